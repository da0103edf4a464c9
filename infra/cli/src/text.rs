//! What senders wrote, on a terminal.

use delivery::Delivery;

/// Without what would move a terminal's cursor or turn the text around.
pub(crate) fn visible(text: &str) -> String {
    let is_direction = |sign| matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(|sign: char| (sign.is_control() && sign != '\t') || is_direction(sign), "\u{fffd}")
}

/// A webhook in one line: number, method, path and size.
pub(crate) fn summary(delivery: &Delivery) -> String {
    let Delivery { seq, request, .. } = delivery;
    format!(
        "#{seq} {} {} {} B",
        visible(&request.method),
        visible(&request.path),
        request.body.size
    )
}

/// Numbers as a person writes them: `#3`, `#3 to #7`.
pub(crate) fn range(first: u64, last: u64) -> String {
    if first == last { format!("#{first}") } else { format!("#{first} to #{last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_printed_moves_the_cursor() {
        assert_eq!(
            visible("/a\u{1b}[2J\r\n\u{202e}b\tö"),
            "/a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}b\tö"
        );
    }
}
