//! HTML that is always balanced and always escaped: tags and attribute names are ours, all else may be hostile.

/// The document as it is written.
#[derive(Default)]
pub(crate) struct Html(String);

/// Attributes of an element: name and value.
pub(crate) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// The text of the document.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    /// Text that is ours and is HTML already: a style sheet, a drawing's patterns.
    pub(crate) fn fixed(&mut self, html: &'static str) {
        self.0.push_str(html);
    }

    /// Text, escaped.
    pub(crate) fn text(&mut self, text: &str) {
        escape(text, &mut self.0);
    }

    /// An element and what is in it.
    pub(crate) fn within(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.void(tag, attributes);
        inside(self);
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
        if !INLINE.contains(&tag) {
            self.0.push('\n');
        }
    }

    /// An element that holds text alone.
    pub(crate) fn leaf(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.within(tag, attributes, |html| html.text(text));
    }

    /// A shape of a drawing: an element that holds nothing.
    pub(crate) fn shape(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.within(tag, attributes, |_| ());
    }

    /// An element without an end, or the start of one.
    pub(crate) fn void(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            escape(value, &mut self.0);
            self.0.push('"');
        }
        self.0.push('>');
    }
}

/// Elements inside of lines: a line feed behind them would be a space.
const INLINE: &[&str] = &[
    "a", "b", "code", "span", "strong", "small", "text", "title", "desc",
];

fn escape(text: &str, out: &mut String) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_values_cannot_leave_their_element() {
        let mut html = Html::default();
        html.within("p", &[("title", "\"><script>")], |html| {
            html.leaf("code", &[], "</code><b>'&");
        });
        assert_eq!(
            html.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;\"><code>&lt;/code&gt;&lt;b&gt;&#39;&amp;</code></p>\n"
        );
    }
}
