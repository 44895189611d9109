//! Everything that can be wrong with a link, each with an error of its own.

use verso_pairing::{LinkError, NameError, PairingLink};

use crate::link::BARE;

fn error(text: &str) -> LinkError {
    text.parse::<PairingLink>().expect_err(text)
}

fn with(query: &str) -> LinkError {
    error(&format!("{BARE}?{query}"))
}

#[test]
fn what_is_no_link() {
    for text in
        ["", "verso", "https://pair/", "verso://", "verso://pair", "VERSO://pair/", " verso://pair/", "verso://sync/"]
    {
        assert_eq!(error(text), LinkError::NotALink, "{text:?}");
    }
}

#[test]
fn device_and_token() {
    let (device, token) = BARE["verso://pair/".len()..].split_once('/').unwrap();
    assert!(matches!(error(&format!("verso://pair/{}/{token}", device.to_uppercase())), LinkError::Device(_)));
    assert!(matches!(error(&format!("verso://pair/{}/{token}", &device[..63])), LinkError::Device(_)));
    assert!(matches!(error(&format!("verso://pair//{token}")), LinkError::Device(_)));
    let (short, long, escaped) = (&token[..21], format!("{token}A"), token.replace('A', "%41"));
    let (padded, standard) = (format!("{token}=="), token.replacen('A', "+", 1));
    // The last character has two bits that are used; another one with the same two would be a second text for one token.
    let loose = format!("{}x", &token[..21]);
    for token in ["", short, &long, &escaped, &padded, &standard, &loose, &format!("{token}/"), &format!("{token}/x")] {
        assert_eq!(error(&format!("verso://pair/{device}/{token}")), LinkError::Token, "{token:?}");
    }
    assert_eq!(error(&format!("verso://pair/{device}")), LinkError::Token);
}

#[test]
fn newer_links_say_so_whatever_else_is_in_them() {
    assert_eq!(with("v=2"), LinkError::Newer { version: 2 });
    assert_eq!(error("verso://pair/whatever?what=ever&v=77"), LinkError::Newer { version: 77 });
    for version in ["v=0", "v=", "v=01", "v=+1", "v=x", "v=4294967296", "v=99999999999999999999"] {
        assert_eq!(with(version), LinkError::Version, "{version}");
    }
    assert_eq!(with("v=1&v=1"), LinkError::Duplicate { key: "v".into() });
}

#[test]
fn characters() {
    for character in ['\n', ' ', '#', '"', '<', '\\', 'é', '\u{202e}', '\u{7f}'] {
        let text = format!("{BARE}?name=a{character}");
        assert_eq!(error(&text), LinkError::Character { character, at: BARE.len() + 7 }, "{character:?}");
    }
}

#[test]
fn lengths() {
    let filled = |len: usize, fill: &str| format!("{BARE}?x={}", fill.repeat(len - BARE.len() - 3));
    assert!(filled(2_400, "a").parse::<PairingLink>().is_ok());
    assert_eq!(error(&filled(2_401, "a")), LinkError::TooLong { len: 2_401 });
    // Its canonical form is longer: every exclamation mark is escaped there.
    assert!(matches!(error(&filled(1_000, "!")), LinkError::TooLong { len } if len > 2_400));
}

#[test]
fn parameters() {
    for query in
        ["", "name", "=x", "Name=x", "na%6De=x", "name=a&&role=own", "name=a&", &format!("{}=x", "k".repeat(33))]
    {
        assert!(matches!(with(query), LinkError::Parameter { .. }), "{query:?}");
    }
    assert_eq!(with("name=a&&role=own"), LinkError::Parameter { number: 2 });
    for key in ["name", "relay", "role", "ws", "wsname", "access", "exp", "unknown"] {
        let value = match key {
            "relay" => "http://x",
            "role" => "own",
            "ws" => "00112233445566778899aabbccddeeff",
            "access" => "ro",
            "exp" => "1",
            _ => "x",
        };
        assert_eq!(with(&format!("{key}={value}&{key}={value}")), LinkError::Duplicate { key: key.into() });
    }
    let nine: Vec<String> = (0..9).map(|number| format!("x{number}=")).collect();
    assert_eq!(with(&nine.join("&")), LinkError::TooManyUnknown);
    assert!(format!("{BARE}?{}", nine[..8].join("&")).parse::<PairingLink>().is_ok());
}

#[test]
fn encodings() {
    for value in ["%", "%1", "%zz", "a%", "%e", "%+1", "%C3", "%FF", "%C0%AF", "%ED%A0%80"] {
        assert_eq!(with(&format!("name={value}")), LinkError::Encoding { key: "name".into() }, "{value}");
    }
}

#[test]
fn addresses() {
    for value in
        ["", "x", "192.0.2.1", "192.0.2.1:99999", "example.org:1", "192.0.2.1:0", "0.0.0.0:1", "[::1", "224.0.0.1:1"]
    {
        assert_eq!(with(&format!("addr={value}")), LinkError::Address { value: value.into() });
    }
    // The same address, also when it is spelled in another way.
    assert_eq!(with("addr=192.0.2.1:1&addr=192.0.2.1:1"), LinkError::Duplicate { key: "addr".into() });
    assert_eq!(with("addr=%5B::1%5D:1&addr=%5B0:0::1%5D:1"), LinkError::Duplicate { key: "addr".into() });
    let seven: Vec<String> = (1..8).map(|last| format!("addr=192.0.2.{last}:1")).collect();
    assert_eq!(with(&seven.join("&")), LinkError::TooManyAddresses);
    // What is shown can't rewrite the terminal.
    assert!(!with("addr=%1B%5B2J").to_string().contains('\u{1b}'));
}

#[test]
fn values() {
    assert!(matches!(with("relay=ftp://x"), LinkError::Relay(_)));
    assert!(matches!(with("relay=https://"), LinkError::Relay(_)));
    assert!(matches!(with("relay=https://a%20b"), LinkError::Relay(_)));
    assert_eq!(with("name="), LinkError::Name(NameError::Empty));
    assert_eq!(with("name=a%0Ab"), LinkError::Name(NameError::Deceptive { character: '\n' }));
    assert_eq!(with("name=%E2%80%AEb"), LinkError::Name(NameError::Deceptive { character: '\u{202e}' }));
    assert_eq!(with("name=%20b"), LinkError::Name(NameError::BlankEnds));
    assert_eq!(with("unknown=a%0Ab"), LinkError::Deceptive { key: "unknown".into() });
    assert_eq!(with("role=Own"), LinkError::Role);
    assert!(matches!(with("ws=123"), LinkError::Workspace(_)));
    let ws = "ws=00112233445566778899aabbccddeeff";
    assert!(matches!(with(&format!("{ws}&wsname=")), LinkError::WorkspaceName(NameError::Empty)));
    assert_eq!(with(&format!("{ws}&access=admin")), LinkError::Access);
    assert_eq!(with("wsname=x"), LinkError::WithoutWorkspace { key: "wsname" });
    assert_eq!(with("access=ro"), LinkError::WithoutWorkspace { key: "access" });
    for value in ["", "x", "-1", "+1", "01", "1.0", "18446744073709551616"] {
        assert_eq!(with(&format!("exp={value}")), LinkError::Expiry, "{value}");
    }
}

/// No error gives the token away, whatever is wrong.
#[test]
fn errors_do_not_print_the_token() {
    let token = BARE.rsplit('/').next().unwrap();
    for text in [format!("{BARE}x"), format!("{BARE}?v=9"), format!("{BARE}?name"), format!("{BARE}?exp=x")] {
        let error = error(&text);
        assert!(!format!("{error} {error:?}").contains(token));
    }
}
