//! A page as one document of HTML 5 that is also XML: every name and answer is escaped in one place, nothing is loaded from
//! elsewhere, and no colour carries a meaning alone.

use super::{Block, Decision, Fact, Item, Mark, Page, PageBanner, Part, Said};

const STYLE: &str = include_str!("page.css");

pub(super) fn render(page: &Page) -> String {
    let mut html = Html::default();
    html.0 += "<!DOCTYPE html>\n";
    html.open("html", &[("lang", &page.lang)]);
    html.head(page);
    let body = format!("{} {} {}", page.audience.name(), page.kind, page.banner.state);
    html.open("body", &[("class", &body)]);
    html.open("div", &[("class", "sheet")]);
    html.banner(&page.banner);
    html.open("main", &[]);
    html.open("div", &[("class", "top")]);
    html.element("p", &[("class", "title")], &page.title);
    html.marks(&page.marks);
    html.close("div");
    page.parts.iter().for_each(|part| html.part(part));
    html.close("main");
    html.open("footer", &[]);
    page.foot.iter().for_each(|line| html.element("p", &[], line));
    html.close("footer");
    html.close("div");
    html.close("body");
    html.close("html");
    html.0
}

#[derive(Default)]
struct Html(String);

impl Html {
    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.0.push('\n');
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.0 += &format!("<{name}");
        for (attribute, value) in attributes {
            self.0 += &format!(" {attribute}=\"{}\"", escaped(value));
        }
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0 += &format!("</{name}>\n");
    }

    /// An element with words in it. Lines of the words stay lines.
    fn element(&mut self, name: &str, attributes: &[(&str, &str)], words: &str) {
        self.start(name, attributes);
        self.0 += &dated(&escaped(words.trim_end()).replace('\n', "<br/>"));
        self.close(name);
    }

    fn head(&mut self, page: &Page) {
        self.open("head", &[]);
        self.0 += "<meta charset=\"utf-8\"/>\n";
        self.0 += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n";
        // Nothing is fetched, and nothing runs, whatever an answer may hold.
        self.0 += "<meta http-equiv=\"Content-Security-Policy\" \
                   content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n";
        self.element("title", &[], &page.document_title);
        self.0 += &format!("<style>\n{STYLE}</style>\n");
        self.close("head");
    }

    fn banner(&mut self, banner: &PageBanner) {
        self.open("header", &[]);
        self.element("h1", &[], &banner.name);
        self.open("ul", &[]);
        self.element("li", &[], &banner.born);
        if let Some(died) = &banner.died {
            self.element("li", &[("class", "died")], died);
        }
        self.element("li", &[], &banner.gender);
        self.element("li", &[("class", "nhs")], &banner.nhs_number);
        self.close("ul");
        self.close("header");
    }

    fn marks(&mut self, marks: &[Mark]) {
        if marks.is_empty() {
            return;
        }
        self.open("ul", &[("class", "marks")]);
        for mark in marks {
            self.start("li", &[("class", mark.severity)]);
            self.element("strong", &[], &mark.word);
            self.element("span", &[], &mark.text);
            if let Some(action) = &mark.action {
                self.element("span", &[("class", "action")], action);
            }
            self.close("li");
        }
        self.close("ul");
    }

    fn part(&mut self, part: &Part) {
        let heading = format!("h-{}", part.id);
        self.open("section", &[("class", part.id), ("aria-labelledby", &heading)]);
        self.element("h2", &[("id", &heading)], &part.heading);
        self.marks(&part.marks);
        part.blocks.iter().for_each(|block| self.block(block));
        self.close("section");
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Text { text } => self.element("p", &[], text),
            Block::Marks { marks } => self.marks(marks),
            Block::Facts { facts, note } => {
                self.facts(facts);
                note.iter().for_each(|note| self.element("p", &[("class", "note")], note));
            }
            Block::List { items, .. } => self.items(items),
            Block::Decisions { decisions } => self.decisions(decisions),
        }
    }

    fn decisions(&mut self, decisions: &[Decision]) {
        self.open("div", &[("class", if decisions.len() > 1 { "beside" } else { "alone" })]);
        for decision in decisions {
            self.open("div", &[("class", "decision")]);
            decision.title.iter().for_each(|title| self.element("h3", &[], title));
            decision.answer.iter().for_each(|answer| self.element("p", &[("class", "answer")], answer));
            self.marks(&decision.marks);
            self.facts(&decision.facts);
            self.items(&decision.items);
            decision.signed.iter().for_each(|line| self.element("p", &[("class", "note")], line));
            self.close("div");
        }
        self.close("div");
    }

    fn facts(&mut self, facts: &[Fact]) {
        if facts.is_empty() {
            return;
        }
        self.open("dl", &[]);
        for fact in facts {
            self.open("div", &[]);
            self.element("dt", &[], &fact.label);
            fact.several.iter().for_each(|words| self.element("dd", &[("class", "several")], words));
            fact.said.iter().for_each(|said| self.said(said));
            self.close("div");
        }
        self.close("dl");
    }

    fn said(&mut self, said: &Said) {
        self.start("dd", &[("class", said.answer)]);
        said.kept.iter().for_each(|kept| self.element("strong", &[("class", "kept")], kept));
        self.element("span", &[], &said.text);
        if let Some(note) = &said.note {
            self.element("span", &[("class", "note")], note);
        }
        self.close("dd");
    }

    fn items(&mut self, items: &[Item]) {
        if items.is_empty() {
            return;
        }
        self.open("ul", &[("class", "items")]);
        for item in items {
            let class = if item.state.is_some() { "over" } else { "current" };
            self.open("li", &[("class", class)]);
            item.kept.iter().for_each(|kept| self.element("strong", &[("class", "kept")], kept));
            item.state.iter().for_each(|state| self.element("strong", &[("class", "state")], state));
            self.element("span", &[("class", "item")], &item.title);
            self.facts(&item.facts);
            item.note.iter().for_each(|note| self.element("p", &[("class", "note")], note));
            self.close("li");
        }
        self.close("ul");
    }
}

/// A date, `DD-Mmm-YYYY`, is never broken over two lines.
fn dated(text: &str) -> String {
    const PATTERN: &[u8] = b"00-Aaa-0000";
    let is_date = |bytes: &[u8]| {
        bytes.iter().zip(PATTERN).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b'a' => byte.is_ascii_lowercase(),
            other => byte == other,
        })
    };
    let (mut marked, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.as_bytes().windows(PATTERN.len()).position(is_date) {
        let (before, date) = rest.split_at(at);
        let (date, after) = date.split_at(PATTERN.len());
        marked += &format!("{before}<time>{date}</time>");
        rest = after;
    }
    marked + rest
}

/// Words as text or as an attribute's value. Control characters, which no document may hold, become spaces.
fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => text += "&amp;",
            '<' => text += "&lt;",
            '>' => text += "&gt;",
            '"' => text += "&quot;",
            '\n' | '\t' => text.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => text.push(' '),
            c => text.push(c),
        }
    }
    text
}
