//! JSON values as JavaScript sees them, because webhook templates mean what hogan.js makes of them.
//!
//! The order of keys is visible to the receiver of a webhook. `serde_json` keeps it by the feature `preserve_order`.

use serde_json::Value;

/// A JSON object, in the order it was written.
pub(crate) type Object = serde_json::Map<String, Value>;

/// How many arrays and objects are nested.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether JavaScript takes the value for false in a condition.
pub(crate) fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// `String(value)` of JavaScript, except that null is the empty text, as templates show it.
pub(crate) fn to_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => yes.to_string(),
        // JavaScript knows doubles only. `serde_json` reads a number of more than 17 digits to within one unit of its last
        // place, so such a number may end in another digit than JavaScript's; no device writes one.
        Value::Number(number) => {
            let double = number.as_f64().unwrap_or(f64::NAN);
            ryu_js::Buffer::new().format(double).to_owned()
        }
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(to_text).collect::<Vec<_>>().join(","),
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_a_repeated_one_its_place() {
        for (given, expected) in [
            (r#"{"z":1,"a":{"k":"v","b":2.5}}"#, r#"{"z":1,"a":{"k":"v","b":2.5}}"#),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        ] {
            let value: Value = serde_json::from_str(given).unwrap();
            assert_eq!(value.to_string(), expected);
        }
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        let cases = [
            ("-0", "0"),
            ("20.0", "20"),
            ("85.5", "85.5"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("1.5e-10", "1.5e-10"),
            ("100000000000000000000", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("9007199254740993", "9007199254740992"),
            ("1652008511", "1652008511"),
        ];
        for (given, expected) in cases {
            let value: Value = serde_json::from_str(given).unwrap();
            assert_eq!(to_text(&value), expected, "{given}");
        }
    }
}
