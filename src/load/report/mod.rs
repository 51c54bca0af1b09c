//! A benchmark as one HTML file that needs nothing else: tables, and charts drawn in SVG.

mod axis;
mod chart;
mod curves;
pub mod ingest;
pub mod soak;
mod units;

use chart::Chart;
use units::Unit;

use super::machine::Machine;

const STYLE: &str = include_str!("style.css");

/// A table: what is in the first row, and the others.
#[derive(Clone, Debug)]
pub struct Table {
    /// Above it.
    pub title: String,
    /// Names of the columns.
    pub headings: Vec<String>,
    /// Cells, from left to right.
    pub rows: Vec<Vec<String>>,
}

/// Charts that belong together.
#[derive(Clone, Debug)]
pub struct Section {
    heading: String,
    charts: Vec<Chart>,
}

/// One report.
#[derive(Clone, Debug)]
pub struct Page {
    /// What was measured.
    pub title: String,
    /// What came of it, in sentences.
    pub findings: Vec<String>,
    /// What the words mean.
    pub notes: Vec<&'static str>,
    /// The command that measured it.
    pub command: String,
    /// What everything random follows from.
    pub seed: u64,
    /// All figures.
    pub tables: Vec<Table>,
    /// All charts.
    pub sections: Vec<Section>,
}

impl Page {
    /// The whole file.
    pub fn html(&self, machine: &Machine) -> String {
        let title = escaped(&self.title);
        let mut html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        );
        html.push_str("<ul class=\"findings\">\n");
        for finding in &self.findings {
            html += &element("li", finding);
        }
        html.push_str("</ul>\n");
        for section in &self.sections {
            html += &element("h2", &section.heading);
            html.push_str("<div class=\"charts\">\n");
            section.charts.iter().for_each(|chart| html.push_str(&chart.html()));
            html.push_str("</div>\n");
        }
        self.tables.iter().for_each(|table| html.push_str(&table.html()));
        html.push_str("<h2>How it was measured</h2>\n");
        for note in &self.notes {
            html += &element("p", note);
        }
        html.push_str(&self.facts(machine));
        html.push_str("</body>\n</html>\n");
        html
    }

    fn facts(&self, machine: &Machine) -> String {
        let unknown = || "unknown".to_owned();
        #[allow(clippy::cast_precision_loss)] // to be read by a person
        let memory = machine.memory_bytes.map_or_else(unknown, |bytes| Unit::Bytes.text(bytes as f64));
        let facts = [
            ("command", format!("<code>{}</code>", escaped(&self.command))),
            ("seed", self.seed.to_string()),
            ("processor", escaped(&machine.processor.clone().unwrap_or_else(unknown))),
            ("cores", machine.cores.to_string()),
            ("memory", escaped(&memory)),
            ("version", escaped(env!("CARGO_PKG_VERSION"))),
        ];
        let row = |(name, value): &(&str, String)| format!("<tr><th>{name}</th><td>{value}</td></tr>\n");
        format!("<table class=\"facts\">\n{}</table>\n", facts.iter().map(row).collect::<String>())
    }
}

impl Table {
    fn html(&self) -> String {
        let row = |cells: &[String], tag: &str| {
            let cell = |cell: &String| format!("<{tag}>{}</{tag}>", escaped(cell));
            format!("<tr>{}</tr>\n", cells.iter().map(cell).collect::<String>())
        };
        let rows: String = self.rows.iter().map(|cells| row(cells, "td")).collect();
        format!(
            "<h2>{}</h2>\n<div class=\"scroll\"><table>\n<thead>{}</thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n",
            escaped(&self.title),
            row(&self.headings, "th"),
        )
    }
}

/// Text as one element.
fn element(tag: &str, text: &str) -> String {
    format!("<{tag}>{}</{tag}>\n", escaped(text))
}

/// Text that means nothing to HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let bad = "<script>alert('\"&')</script>".to_owned();
        let page = Page {
            title: bad.clone(),
            findings: vec![bad.clone()],
            notes: vec!["1 < 2"],
            command: bad.clone(),
            seed: 1,
            tables: vec![Table {
                title: bad.clone(),
                headings: vec![bad.clone()],
                rows: vec![vec![bad.clone()]],
            }],
            sections: vec![Section { heading: bad.clone(), charts: Vec::new() }],
        };
        let html = page.html(&Machine { processor: Some(bad), ..Machine::default() });
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)").count(), 9);
    }
}
