//! QR codes as a camera sees them: the drawing is turned back into modules and read by a real decoder.

use verso_pairing::{Background, LinkHints, PairingLink, terminal_qr};

use crate::rig::{copy, offer};

/// Reads a drawing of half blocks, of which the drawn halves are `drawn` (dark or light modules).
fn read(drawing: &str, background: Background) -> String {
    let drawn_is_dark = background == Background::Light;
    let mut rows: Vec<Vec<bool>> = Vec::new();
    for line in drawing.lines() {
        let halves = line.chars().map(|block| match block {
            ' ' => (false, false),
            '▀' => (true, false),
            '▄' => (false, true),
            '█' => (true, true),
            other => panic!("{other:?} is no half block"),
        });
        let (upper, lower): (Vec<bool>, Vec<bool>) = halves.unzip();
        rows.extend([upper, lower]);
    }
    let pixels = 4;
    let dark = |x: usize, y: usize| rows[y / pixels][x / pixels] == drawn_is_dark;
    let (width, height) = (rows[0].len() * pixels, rows.len() * pixels);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| if dark(x, y) { 0 } else { 255 });
    let codes = image.detect_grids();
    assert_eq!(codes.len(), 1, "{drawing}");
    codes[0].decode().unwrap().1
}

#[test]
fn a_decoder_reads_the_link_back() {
    let link = copy(offer().link());
    for background in [Background::Dark, Background::Light] {
        assert_eq!(read(&terminal_qr(&link, background), background), link.to_string());
    }
}

#[test]
fn codes_are_small_enough_for_a_terminal() {
    let bare: PairingLink = crate::link::BARE.parse().unwrap();
    assert_eq!(bare.hints(), &LinkHints::default());
    let drawing = terminal_qr(&bare, Background::default());
    assert_eq!(drawing.lines().count(), 23);
    let usual = terminal_qr(offer().link(), Background::default());
    assert!(usual.lines().count() <= 34, "{usual}");
    assert!(usual.lines().all(|line| line.chars().count() <= 68));
}

/// Scanners need four light modules around the code, on a dark terminal as well.
#[test]
fn the_quiet_zone_is_there() {
    let drawing = terminal_qr(offer().link(), Background::Dark);
    let lines: Vec<&str> = drawing.lines().collect();
    assert!(lines[..2].iter().all(|line| line.chars().all(|block| block == '█')));
    assert!(lines.iter().take(lines.len() - 1).all(|line| line.starts_with("████") && line.ends_with("████")));
}
