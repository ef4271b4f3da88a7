//! Text from the repository on its way to a reader that would take parts of it for commands: one
//! newtype per destination, and no other way in.

use std::fmt::{self, Display, Formatter, Write};

/// For a terminal: one line, no control characters, nothing that turns text around, and nothing
/// that the runner of GitHub Actions takes for a command (it looks for `##[` anywhere in a line).
pub struct Plain<T>(pub T);

impl<T: AsRef<str>> Display for Plain<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut before = ['\0'; 2];
        for letter in self.0.as_ref().chars() {
            match letter {
                '\t' => f.write_char(' ')?,
                '[' if before == ['#', '#'] => f.write_str(" [")?,
                _ if is_hidden(letter) => write!(f, "\\u{{{:x}}}", letter as u32)?,
                _ => f.write_char(letter)?,
            }
            before = [before[1], letter];
        }
        Ok(())
    }
}

/// Whether a letter does something else than show: control characters, marks that turn the
/// direction of text, and marks without a width.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// For the data of a workflow command, after its second `::`.
pub struct CommandData<T>(pub T);

impl<T: AsRef<str>> Display for CommandData<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for letter in self.0.as_ref().chars() {
            match letter {
                '%' => f.write_str("%25")?,
                '\r' => f.write_str("%0D")?,
                '\n' => f.write_str("%0A")?,
                _ if is_hidden(letter) => f.write_char('\u{fffd}')?,
                _ => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// For a property of a workflow command, where `:` and `,` end it.
pub struct CommandProperty<T>(pub T);

impl<T: AsRef<str>> Display for CommandProperty<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for letter in self.0.as_ref().chars() {
            match letter {
                ':' => f.write_str("%3A")?,
                ',' => f.write_str("%2C")?,
                _ => CommandData(letter.encode_utf8(&mut [0; 4])).fmt(f)?,
            }
        }
        Ok(())
    }
}

/// For XML and HTML, in text and in attributes between double quotes. What XML 1.0 has no
/// character for becomes U+FFFD.
pub struct Markup<T>(pub T);

impl<T: AsRef<str>> Display for Markup<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for letter in self.0.as_ref().chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(letter)?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                _ if is_hidden(letter) => f.write_char('\u{fffd}')?,
                _ => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// For the running text of Markdown, a cell of a table included: no markup, no links, no pictures,
/// no mentions, no references to issues or commits. Our own messages put values into backticks;
/// those become code.
pub struct Markdown<T>(pub T);

impl<T: AsRef<str>> Display for Markdown<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.as_ref().split('`').enumerate() {
            let is_code = at % 2 == 1 && at + 1 < self.0.as_ref().split('`').count();
            match is_code && !part.trim().is_empty() {
                true => Code(part).fmt(f)?,
                false => prose(part, f)?,
            }
        }
        Ok(())
    }
}

fn prose(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\n' | '\t' => f.write_char(' ')?,
            '&' => f.write_str("&amp;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            // GitHub looks for mentions, references and addresses in what entities show; a space
            // of no width behind the sign takes their meaning away.
            '@' => f.write_str("@&#8203;")?,
            '#' => f.write_str("#&#8203;")?,
            ':' if letters.peek() == Some(&'/') => f.write_str(":&#8203;")?,
            '.' if before == 'w' => f.write_str(".&#8203;")?,
            '-' if matches!(before, 'H' | 'h') => f.write_str("-&#8203;")?,
            '\\' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '!' | '(' | ')' => {
                write!(f, "\\{letter}")?;
            }
            _ if is_hidden(letter) => f.write_char('\u{fffd}')?,
            _ => f.write_char(letter)?,
        }
        before = letter;
    }
    Ok(())
}

/// For code within a line of Markdown, a cell of a table included.
pub struct Code<T>(pub T);

impl<T: AsRef<str>> Display for Code<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text: String = self
            .0
            .as_ref()
            .chars()
            .map(|it| if is_hidden(it) { '\u{fffd}' } else { it })
            .collect::<String>()
            // A cell ends at `|`, in code too; GitHub takes the escape away again.
            .replace('|', "\\|")
            // The runner of GitHub Actions takes this for a command where the text is printed.
            .replace("##[", "## [");
        let fence = "`".repeat(longest_run(&text, '`') + 1);
        let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        match text.trim().is_empty() {
            true => Ok(()),
            false => write!(f, "{fence}{pad}{text}{pad}{fence}"),
        }
    }
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|it| it != of).map(str::len).max().unwrap_or(0)
}

/// For a relative reference in a URI: what is no path character is written with `%`.
pub struct UriPath<T>(pub T);

impl<T: AsRef<str>> Display for UriPath<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for byte in self.0.as_ref().bytes() {
            match byte {
                b'A'..=b'Z'
                | b'a'..=b'z'
                | b'0'..=b'9'
                | b'-'
                | b'.'
                | b'_'
                | b'~'
                | b'/'
                | b'@' => {
                    f.write_char(char::from(byte))?;
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

/// The first `most` characters, with `…` where something is left out.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_one_harmless_line() {
        let text = Plain("a\nb\u{1b}[31m\u{202e}##[add-mask]x").to_string();
        assert_eq!(text, "a\\u{a}b\\u{1b}[31m\\u{202e}## [add-mask]x");
    }

    #[test]
    fn workflow_commands_cannot_be_left() {
        let text = "50%\r\n::set-output name=x::y, z";
        let data = CommandData(text).to_string();
        assert_eq!(data, "50%25%0D%0A::set-output name=x::y, z");
        let property = CommandProperty(text).to_string();
        assert_eq!(property, "50%25%0D%0A%3A%3Aset-output name=x%3A%3Ay%2C z");
    }

    #[test]
    fn markup_stays_text() {
        let text = Markup("<a href='x'>\"&\u{1}").to_string();
        assert_eq!(text, "&lt;a href=&#39;x&#39;&gt;&quot;&amp;\u{fffd}");
    }

    #[test]
    fn markdown_mentions_nobody_and_links_nowhere() {
        let text = "@org #1 [x](http://y) <!-- **b** | www.z.io `a|b` and `";
        let expected = "@&#8203;org #&#8203;1 \\[x\\]\\(http:&#8203;//y\\) &lt;\\!-- \
                        \\*\\*b\\*\\* \\| www.&#8203;z.io `a\\|b` and ";
        assert_eq!(Markdown(text).to_string(), expected);
    }

    #[test]
    fn code_holds_backticks() {
        assert_eq!(Code("a `b` c").to_string(), "``a `b` c``");
        assert_eq!(Code("`").to_string(), "`` ` ``");
        assert_eq!(Code(" ").to_string(), "");
    }

    #[test]
    fn paths_are_uris() {
        assert_eq!(UriPath("a b/ü#?.y").to_string(), "a%20b/%C3%BC%23%3F.y");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!((shortened("äöü", 3), shortened("äöüß", 3)), ("äöü".into(), "äö…".into()));
    }
}
