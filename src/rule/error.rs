//! What is wrong with a rule file, or with how rules were chosen: shown with the place and a way out.

use std::{fmt, ops::Range, path::Path};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// An error in a rule file, or in a pattern that chooses rules.
pub struct RuleError(Box<Inner>);

struct Inner {
    message: String,
    label: String,
    help: Option<String>,
    place: Option<(NamedSource<String>, Range<usize>)>,
}

impl RuleError {
    /// An error without a place in a file.
    pub fn new(message: impl Into<String>, help: Option<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner { message, label: String::new(), help, place: None }))
    }

    /// An error at a place of a rule file.
    pub fn at(
        path: &str,
        text: &str,
        range: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        let place = Some((NamedSource::new(path, text.to_owned()), range));
        Self(Box::new(Inner { message: message.into(), label: label.into(), help, place }))
    }

    /// A file that cannot be read.
    pub fn unreadable(path: &Path, error: &dyn fmt::Display) -> Self {
        Self::new(format!("cannot read rules in {}: {error}", path.display()), None)
    }

    /// The bytes of the file it is about, if it is about a file.
    pub fn range(&self) -> Option<Range<usize>> {
        self.0.place.as_ref().map(|(_, range)| range.clone())
    }

    /// What to do about it, if we have an idea.
    pub fn advice(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none());
        writeln!(f)?;
        handler.render_report(f, self)
    }
}

impl std::error::Error for RuleError {}

impl Diagnostic for RuleError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|it| Box::new(it) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.place.as_ref().map(|(source, _)| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, range) = self.0.place.as_ref()?;
        let label = (!self.0.label.is_empty()).then(|| self.0.label.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new(label, range.start, range.len()))))
    }
}
