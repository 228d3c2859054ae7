use proptest::prelude::*;

use super::super::tests::any_text;
use super::*;

fn country(code: &str) -> Country {
    Country::from_code(code).expect("a country")
}

fn parse(text: &str, code: &str) -> Option<String> {
    Phone::parse(text, country(code)).ok().map(|phone| phone.to_text())
}

#[test]
fn a_phone_number_without_a_country_code_is_in_the_salons_country() {
    let cases = [
        ("US", "+1 206 555 0100", "+12065550100"),
        ("US", "(206) 555-0100", "+12065550100"),
        ("US", "[206] 555/0100", "+12065550100"),
        ("US", "206.555.0100", "+12065550100"),
        ("US", "1-206-555-0100", "+12065550100"),
        ("US", "+44 20 7946 0018", "+442079460018"),
        ("US", "011 44 20 7946 0018", "+442079460018"),
        ("US", "0044 20 7946 0018", "+442079460018"),
        ("US", "011 1 206 555 0100", "+12065550100"),
        ("CA", "(604) 555-0100", "+16045550100"),
        ("GB", "020 7946 0018", "+442079460018"),
        ("GB", "+44 (0)20 7946 0018", "+442079460018"),
        ("DE", "0151 23456789", "+4915123456789"),
        ("DE", "0049 151 23456789", "+4915123456789"),
        ("DE", "00 1 206 555 0100", "+12065550100"),
        ("IT", "06 698 12345", "+390669812345"),
        ("FR", "06 12 34 56 78", "+33612345678"),
        ("JP", "010 1 206 555 0100", "+12065550100"),
        ("RU", "8 10 44 20 7946 0018", "+442079460018"),
        ("AU", "0011 44 20 7946 0018", "+442079460018"),
        ("MX", "55 1234 5678", "+525512345678"),
        ("MX", "+52 1 55 1234 5678", "+525512345678"),
        ("US", "+52 1 55 1234 5678", "+525512345678"),
        ("US", "011 52 1 55 1234 5678", "+525512345678"),
    ];
    for (code, given, expected) in cases {
        assert_eq!(parse(given, code).as_deref(), Some(expected), "{given} in {code}");
        let phone = Phone::parse(given, country(code)).ok();
        assert_eq!(Phone::from_e164(expected), phone, "E.164 is parsed again");
    }
}

#[test]
fn a_phone_number_is_read_as_contact_apps_write_it() {
    for given in [
        "\u{202a}+1 (206) 555-0100\u{202c}",
        "\u{2066}206\u{2069} \u{200e}555\u{200f}0100",
        "+1\u{a0}206\u{202f}555\u{2007}0100",
        "206\u{2010}555\u{2011}0100",
        "206\u{2012}555\u{2013}0100",
        "206\u{2014}555\u{2015}0100",
        "206\u{2212}555\u{ff0d}0100",
        "206·555•0100",
        "＋１（２０６）５５５－０１００",
        "٢٠٦ ٥٥٥ ٠١٠٠",
        "२०६ ५५५ ०१००",
        "tel:+1-206-555-0100",
        "TEL: 206 555 0100",
        "206\t555\t0100\n",
        "(206 555-0100",
    ] {
        assert_eq!(parse(given, "US").as_deref(), Some("+12065550100"), "{given:?}");
    }
}

#[test]
fn an_extension_is_kept_apart_from_the_number() {
    let endings = [
        " x 12",
        "x12",
        " X12",
        "ext12",
        " Ext 12",
        " ext. 12",
        " EXT: 12",
        ",12",
        ",,12",
        ";12",
        "#12",
        " #12",
        ";ext=12",
        "; ext 12",
        " extension 12",
        " extn 12",
        "p12",
        " w12",
        " (ext 12)",
        " ｅｘｔ．１２",
        " ext.\u{a0}\u{200e}12",
    ];
    for ending in endings {
        let given = format!("(206) 555-0100{ending}");
        let phone = Phone::parse(&given, country("US")).expect(&given);
        assert_eq!((phone.as_str(), phone.extension()), ("+12065550100", Some("12")), "{given}");
        assert_eq!(phone.to_text(), "+12065550100 ext. 12");
    }
    assert_eq!(parse("tel:+12065550100;ext=0012", "US").as_deref(), Some("+12065550100 ext. 0012"));
    assert_eq!(parse("020 7946 0018 x3", "GB").as_deref(), Some("+442079460018 ext. 3"));
    for ending in ["x", " ext.", "#", "x12345678901", "x1a", " ext 12 ext 13", "y12", "x12 call"] {
        assert_eq!(parse(&format!("206 555 0100{ending}"), "US"), None, "{ending}");
    }
}

#[test]
fn an_area_code_is_checked_by_its_form() {
    for area in 0..1_000 {
        let digits = format!("{area:03}");
        let exists = area >= 200 && area % 100 != 11;
        let expected = exists.then(|| format!("+1{digits}5550100"));
        for prefix in ["", "1 ", "+1 ", "011 1 ", "001 ", "tel:+1"] {
            let given = format!("{prefix}{digits} 555 0100");
            // Without it, these may be numbers of other countries, such as 011 55 50 100.
            if !exists && matches!(prefix, "" | "001 ") {
                continue;
            }
            assert_eq!(parse(&given, "US"), expected, "{given}");
        }
        if exists {
            let abroad = format!("00 1 {digits} 555 0100");
            assert_eq!(parse(&abroad, "FR"), expected, "{abroad}");
        }
    }
    for given in
        ["206 055 0100", "206 155 0100", "+1 983 155 0100", "206 555 010", "+1 983 555 010"]
    {
        assert_eq!(parse(given, "US"), None, "{given}");
    }
}

#[test]
fn a_number_in_e164_has_a_plus_and_7_to_15_digits() {
    for number in ["+1234567", "+123456789012345"] {
        assert_eq!(Phone::from_e164(number).expect(number).to_text(), number);
    }
    let wrong = [
        "",
        "+",
        "1234567",
        "+123456",
        "+1234567890123456",
        "+12345a7",
        "+1 234567",
        "+１２３４５",
    ];
    for number in wrong {
        assert_eq!(Phone::from_e164(number), None, "{number:?}");
    }
}

#[test]
fn an_extension_has_1_to_10_digits() {
    let phone = || Phone::from_e164("+12065550100").expect("a number");
    for digits in ["1", "1234567890"] {
        let extended = phone().with_extension(digits).expect(digits);
        assert_eq!(extended.extension(), Some(digits));
        assert_eq!(extended.as_str(), "+12065550100");
    }
    for wrong in ["", "12345678901", "1a", " 1", "１２"] {
        assert_eq!(phone().with_extension(wrong), None, "{wrong:?}");
    }
}

#[test]
fn an_invalid_phone_number_is_refused() {
    assert_eq!(parse("1000", "DE"), None, "a number of E.164 has 7 digits at least");
    let long = "+1 206 555 0100".repeat(9);
    for given in [
        "",
        " ",
        "+",
        "\u{202a}\u{202c}",
        "12",
        "911",
        "abc",
        "tel:",
        "x12",
        "+999 123456789",
        "+1 999 999 9999 9",
        "+49",
        "+49 1",
        "1-800-FLOWERS",
        "call 206 555 0100",
        "+1 206 555 0100\0",
        "206\n555 0100",
        "206 555 0100 / 206 555 0101",
        "206+5550100",
        "++1 206 555 0100",
        "+1 206 +555 0100",
        "+1 206 555 0100+",
        "1+206 555 0100",
        "1+983 555 0100",
        "00+1 206 555 0100",
        "206²5550100",
        "*67 206 555 0100",
        "206\u{301} 555 0100",
        &long,
    ] {
        assert_eq!(Phone::parse(given, country("US")), Err(CustomerError::NotAPhone), "{given:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_number_in_e164_or_refused(
        text in any_text(),
        digits in "[+0-9 ().x,;#\\p{Nd}\\p{Pd}\\p{Zs}\\p{Cf}-]{0,30}",
        code in prop::sample::select(vec!["US", "DE", "MX", "IT", "JP", "BS", "GB"]),
    ) {
        for text in [text, digits] {
            let Ok(phone) = Phone::parse(&text, country(code)) else { continue };
            prop_assert!(Phone::from_e164(phone.as_str()).is_some(), "{}", phone.as_str());
            prop_assert_eq!(parse(&phone.to_text(), code), Some(phone.to_text()));
        }
    }

    #[test]
    fn spaces_dashes_and_format_characters_do_not_change_a_number(
        (code, number) in prop::sample::select(vec![
            ("US", "+12065550100"),
            ("US", "2065550100"),
            ("US", "9835550100"),
            ("US", "011442079460018"),
            ("GB", "02079460018"),
            ("DE", "004915123456789"),
            ("MX", "+5215512345678"),
        ]),
        decorations in prop::collection::vec("[\\p{Zs}\\p{Pd}\\p{Cf}\u{2212}]{0,4}", 17),
    ) {
        let mut decorated = decorations[16].clone();
        for (digit, decoration) in number.chars().zip(&decorations) {
            decorated.push(digit);
            decorated.push_str(decoration);
        }
        prop_assert_eq!(parse(&decorated, code), parse(number, code), "{:?}", decorated);
        prop_assert!(parse(number, code).is_some());
    }
}
