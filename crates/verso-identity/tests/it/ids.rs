//! The text forms of ids: strict to read, short to show, and what a workspace's id proves.

use proptest::prelude::*;
use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use zeroize::Zeroizing;

const HEX: &str = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

#[test]
fn device_ids_parse_strictly() {
    assert_eq!(HEX.parse::<DeviceId>().unwrap().to_hex(), HEX);
    let upper = HEX.to_uppercase();
    let (long, spaced, signed) = (format!("{HEX}00"), format!(" {}", &HEX[1..]), format!("+{}", &HEX[1..]));
    for text in ["", "00", &HEX[1..], &HEX[..62], &upper, &long, &spaced, &signed, &HEX.replace('0', "g")] {
        assert!(text.parse::<DeviceId>().is_err(), "{text:?}");
    }
}

#[test]
fn workspace_ids_parse_strictly() {
    assert_eq!(HEX[..32].parse::<WorkspaceId>().unwrap().to_hex(), HEX[..32]);
    for text in ["", &HEX[..31], &HEX[..33], HEX, &HEX[..32].to_uppercase()] {
        assert!(text.parse::<WorkspaceId>().is_err(), "{text:?}");
    }
}

#[test]
fn ids_show_their_short_form_and_take_a_width() {
    let device: DeviceId = HEX.parse().unwrap();
    let workspace: WorkspaceId = HEX[..32].parse().unwrap();
    assert_eq!(format!("{device} {device:?}"), "0011223344 DeviceId(0011223344)");
    assert_eq!(format!("{workspace} {workspace:?}"), "00112233 WorkspaceId(00112233)");
    assert_eq!(format!("{device:>12}|{workspace:<10}|"), "  0011223344|00112233  |");
}

/// People compare it by eye on two screens, so every release must show the same.
#[test]
fn fingerprint_is_stable() {
    let device: DeviceId = HEX.parse().unwrap();
    assert_eq!(device.fingerprint(), FINGERPRINT);
}

#[test]
fn a_workspace_proves_its_founder() {
    let founder = DeviceKey::from_secret(&Zeroizing::new([1; 32])).id();
    let other = DeviceKey::from_secret(&Zeroizing::new([2; 32])).id();
    let id = WorkspaceId::found(&founder, &[3; 16]);
    assert!(id.is_founded_by(&founder, &[3; 16]));
    assert!(!id.is_founded_by(&other, &[3; 16]));
    assert!(!id.is_founded_by(&founder, &[4; 16]));
    assert_eq!(id.to_hex(), WORKSPACE);
}

#[test]
fn nobody_founds_the_control_log() {
    let founder = DeviceKey::from_secret(&Zeroizing::new([1; 32])).id();
    assert!(!WorkspaceId::CONTROL.is_founded_by(&founder, &[0; 16]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn ids_round_trip(device: [u8; 32], workspace: [u8; 16]) {
        let (device, workspace) = (DeviceId::from_bytes(device), WorkspaceId::from_bytes(workspace));
        prop_assert_eq!(device.to_hex().parse::<DeviceId>(), Ok(device));
        prop_assert_eq!(workspace.to_hex().parse::<WorkspaceId>(), Ok(workspace));
    }

    #[test]
    fn only_the_canonical_text_parses(text in "[0-9a-fA-F]{64}|.{0,70}") {
        if let Ok(id) = text.parse::<DeviceId>() {
            prop_assert_eq!(id.to_hex(), text);
        }
    }

    #[test]
    fn fingerprints_have_one_shape(device: [u8; 32]) {
        let fingerprint = DeviceId::from_bytes(device).fingerprint();
        let groups: Vec<&str> = fingerprint.split('-').collect();
        prop_assert_eq!(groups.len(), 6);
        let is_digit = |digit: char| matches!(digit, 'A'..='Z' | '2'..='7');
        prop_assert!(groups.iter().all(|group| group.len() == 4 && group.chars().all(is_digit)));
    }
}

const FINGERPRINT: &str = "Z76C-ED33-HFCR-7MXV-K7VJ-JRH4";
const WORKSPACE: &str = "be3de12daab81ec47ecb57bc6104be68";
