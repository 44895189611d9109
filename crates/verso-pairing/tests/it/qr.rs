//! QR codes as a camera sees them: the drawing is turned back into modules and read by a real decoder.

use verso_pairing::{Background, LinkHints, MAX_LINK_BYTES, PairingLink, png_qr, svg_qr, terminal_qr};

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
    let (width, height) = (rows[0].len() * pixels, rows.len() * pixels);
    decode(width, height, |x, y| rows[y / pixels][x / pixels] == drawn_is_dark)
}

/// Has a real decoder find and read the one code in a picture.
fn decode(width: usize, height: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
    let shade = |x, y| if is_dark(x, y) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    let codes = image.detect_grids();
    assert_eq!(codes.len(), 1);
    codes[0].decode().unwrap().1
}

/// Reads a PNG, whose pixels are bits.
fn read_png(file: &[u8]) -> String {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.color_type, frame.bit_depth), (png::ColorType::Grayscale, png::BitDepth::One));
    let [width, height] = [frame.width, frame.height].map(|side| usize::try_from(side).unwrap());
    decode(width, height, |x, y| pixels[y * frame.line_size + x / 8] & (0x80 >> (x % 8)) == 0)
}

/// Draws the picture that an SVG describes: a light ground, and rectangles of one path.
fn read_svg(document: &str) -> String {
    let between = |start: &str, end: &str| {
        let (_, rest) = document.split_once(start).unwrap();
        rest.split_once(end).unwrap().0.to_owned()
    };
    assert!(document.contains(r##"fill="#fff"/>"##), "light ground");
    let width: usize = between(r#" width=""#, "\"").parse().unwrap();
    let mut dark = vec![false; width * width];
    let path = between(r##"<path fill="#000" d=""##, "\"");
    for rectangle in path.split('M').skip(1) {
        let numbers: Vec<usize> = rectangle
            .split(|c: char| !c.is_ascii_digit())
            .filter(|n| !n.is_empty())
            .map(|n| n.parse().unwrap())
            .collect();
        let [x, y, w, h, back_x, back_y] = numbers[..] else { panic!("{rectangle}") };
        assert_eq!((x, y), (back_x, back_y), "it is closed");
        for row in y..y + h {
            dark[row * width + x..row * width + x + w].fill(true);
        }
    }
    decode(width, width, |x, y| dark[y * width + x])
}

/// The largest link that can occur: every byte that a link may have.
fn largest() -> PairingLink {
    let text = offer().link().to_string();
    let filled = (0..8).fold(text, |text, number| {
        let room = MAX_LINK_BYTES - text.len() - "&x0=".len();
        format!("{text}&x{number}={}", "m".repeat(if number == 7 { room } else { room / 4 }))
    });
    assert_eq!(filled.len(), MAX_LINK_BYTES);
    filled.parse().unwrap()
}

#[test]
fn a_decoder_reads_the_link_back() {
    let bare: PairingLink = crate::link::BARE.parse().unwrap();
    for link in [bare, copy(offer().link()), largest()] {
        for background in [Background::Dark, Background::Light] {
            assert_eq!(read(&terminal_qr(&link, background), background), link.to_string());
        }
        assert_eq!(read_png(&png_qr(&link)), link.to_string());
        assert_eq!(read_svg(&svg_qr(&link)), link.to_string());
    }
}

/// The largest code still fits on a screen.
#[test]
fn pictures_have_a_size_that_a_screen_shows() {
    let side = |link: &PairingLink| {
        let file = png_qr(link);
        let reader = png::Decoder::new(std::io::Cursor::new(file.as_slice())).read_info().unwrap();
        reader.info().width
    };
    assert!(side(&largest()) <= 1_480);
    assert!((300..600).contains(&side(offer().link())));
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
