//! What would be another each time: random texts, keys, dates, names of hosts. Here each is always
//! the same, so that a rendering can be compared with the next one.

use super::{ANY, Entry, Heap, Map, Outcome, Value, as_int, as_text};

pub(super) const TABLE: &[Entry] = &[
    ("randAlphaNum", 1, 1, filler),
    ("randAlpha", 1, 1, filler),
    ("randAscii", 1, 1, filler),
    ("randNumeric", 1, 1, filler),
    ("randBytes", 1, 1, filler),
    ("randInt", 2, 2, |_, it| Ok(it[0].clone())),
    ("shuffle", 1, 1, |_, it| Ok(it[0].clone())),
    ("uuidv4", 0, 0, |_, _| Ok(Value::text("00000000-0000-4000-8000-000000000000"))),
    ("genPrivateKey", 1, 1, |_, _| Ok(Value::text(PLACEHOLDER))),
    ("genCA", 2, 2, certificate),
    ("genCAWithKey", 3, 3, certificate),
    ("genSelfSignedCert", 4, 4, certificate),
    ("genSelfSignedCertWithKey", 5, 5, certificate),
    ("genSignedCert", 5, 5, certificate),
    ("genSignedCertWithKey", 6, 6, certificate),
    ("buildCustomCert", 2, 2, certificate),
    ("derivePassword", 5, 5, |_, _| Ok(Value::text(PLACEHOLDER))),
    ("htpasswd", 2, 2, |heap, it| heap.new_text(format!("{}:{PLACEHOLDER}", as_text(&it[0])?))),
    ("bcrypt", 1, 1, |_, _| Ok(Value::text(PLACEHOLDER))),
    ("encryptAES", 2, 2, |_, _| Ok(Value::text(PLACEHOLDER))),
    ("decryptAES", 2, 2, |_, _| Ok(Value::text(PLACEHOLDER))),
    ("getHostByName", 1, 1, |_, _| Ok(Value::text(""))),
    ("now", 0, 0, |_, _| Ok(Value::text("2006-01-02 15:04:05 -0700 MST"))),
    // The layouts of Go are dates themselves: the one that every moment here stands for.
    ("date", 2, 2, |_, it| Ok(Value::Text(as_text(&it[0])?))),
    ("dateInZone", 3, 3, |_, it| Ok(Value::Text(as_text(&it[0])?))),
    ("date_in_zone", 3, 3, |_, it| Ok(Value::Text(as_text(&it[0])?))),
    ("htmlDate", 1, 1, |_, _| Ok(Value::text("2006-01-02"))),
    ("htmlDateInZone", 2, 2, |_, _| Ok(Value::text("2006-01-02"))),
    ("dateModify", 2, 2, |_, it| Ok(it[1].clone())),
    ("date_modify", 2, 2, |_, it| Ok(it[1].clone())),
    ("mustDateModify", 2, 2, |_, it| Ok(it[1].clone())),
    ("toDate", 2, 2, |_, it| Ok(it[1].clone())),
    ("mustToDate", 2, 2, |_, it| Ok(it[1].clone())),
    ("unixEpoch", 1, 1, |_, _| Ok(Value::text("1136239445"))),
    ("ago", 1, ANY, |_, _| Ok(Value::text("0s"))),
    ("duration", 1, 1, |heap, it| heap.new_text(format!("{}s", heap_text(it)))),
];

const PLACEHOLDER: &str = "xxxxxxxx";

fn heap_text(it: &[Value]) -> String {
    match &it[0] {
        Value::Int(seconds) => seconds.to_string(),
        Value::Text(seconds) => seconds.to_string(),
        _ => "0".to_owned(),
    }
}

/// As long as the random text would be, and without secrets to suspect in it.
fn filler(heap: &mut Heap, it: &[Value]) -> Outcome<Value> {
    let length = usize::try_from(as_int(&it[0])?).unwrap_or(0);
    heap.room(length)?;
    Ok(Value::text("x".repeat(length)))
}

fn certificate(heap: &mut Heap, _: &[Value]) -> Outcome<Value> {
    let parts = ["Cert", "Key"].map(|key| (key.into(), Value::text(PLACEHOLDER)));
    heap.new_map(Map::from(parts))
}

#[cfg(test)]
mod tests {
    use crate::artifact::helm::functions::all_print;

    #[test]
    fn chance_and_time_stand_still() {
        all_print(&[
            ("randAlphaNum 5", "xxxxx"),
            ("now | date \"20060102\"", "20060102"),
            ("now | unixEpoch", "1136239445"),
            ("(genCA \"a\" 365).Cert", "xxxxxxxx"),
            ("uuidv4 | len", "36"),
        ]);
    }
}
