//! Nothing that holds a secret prints it.

use std::fmt::Debug;

use verso_identity::{DeviceKey, FileKeyStore, KeyStore, MemoryKeyStore, Passphrase, purposes};
use zeroize::Zeroizing;

/// Decimal, as a derived `Debug` of bytes would print them, and both cases of hexadecimal.
fn assert_hides(what: &impl Debug, secret: &[u8]) {
    for text in [format!("{what:?}"), format!("{what:#?}")] {
        let squeezed: String = text.chars().filter(|digit| !digit.is_whitespace()).collect();
        let [a, b, c, d, ..] = secret else { panic!("a secret of less than four bytes") };
        let (decimal, hex) = (format!("{a},{b},{c},{d}"), format!("{a:02x}{b:02x}{c:02x}{d:02x}"));
        assert!(!squeezed.contains(&decimal), "{text}");
        assert!(!squeezed.to_lowercase().contains(&hex), "{text}");
    }
}

#[test]
fn debug_prints_no_secret() {
    let secret: Zeroizing<[u8; 32]> = Zeroizing::new(std::array::from_fn(|at| 0x91 ^ u8::try_from(at * 7).unwrap()));
    let key = DeviceKey::from_secret(&secret);
    assert_hides(&key, secret.as_ref());
    assert_eq!(format!("{key:?}"), format!("DeviceKey({})", key.id()));

    let derived = key.derive::<purposes::Log>();
    assert_hides(&derived, derived.expose());
    assert_eq!(format!("{derived:?}"), "Key(verso log v1)");

    let store = MemoryKeyStore::new();
    store.store(&key).unwrap();
    assert_hides(&store, secret.as_ref());

    let passphrase = || Passphrase::new(Zeroizing::new("open sesame".to_owned())).unwrap();
    assert!(!format!("{:?}", passphrase()).contains("sesame"));
    let store = FileKeyStore::new("somewhere", passphrase());
    assert!(!format!("{store:?}").contains("sesame"));
}
