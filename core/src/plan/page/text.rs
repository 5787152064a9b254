//! A page as text, readable at eighty columns. Lines are broken between words and nowhere else: a name, a number or a drug
//! is never cut, and an NHS number never stands on two lines.

use super::{Block, Decision, Fact, Item, Mark, Page, PageBanner, Part};

const WIDTH: usize = 80;

pub(super) fn render(page: &Page) -> String {
    let mut text = Text::default();
    text.banner(&page.banner);
    page.marks.iter().for_each(|mark| text.mark(0, mark));
    text.blank();
    page.parts.iter().for_each(|part| text.part(part));
    page.foot.iter().for_each(|line| text.wrapped(0, "", line));
    text.finish()
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn banner(&mut self, banner: &PageBanner) {
        let parts = [Some(&banner.name), Some(&banner.born), banner.died.as_ref(), Some(&banner.gender)];
        let mut line = String::new();
        let edge = (banner.state != "living").then(|| "*".repeat(WIDTH));
        edge.iter().for_each(|edge| self.line(0, edge));
        for part in parts.into_iter().flatten().chain([&banner.nhs_number]) {
            if !line.is_empty() && line.chars().count() + 3 + part.chars().count() > WIDTH {
                self.line(0, &format!("{line};"));
                line = format!("  {part}");
            } else if line.is_empty() {
                line.clone_from(part);
            } else {
                line += &format!("; {part}");
            }
        }
        self.line(0, &line);
        edge.iter().for_each(|edge| self.line(0, edge));
    }

    fn mark(&mut self, indent: usize, mark: &Mark) {
        match mark.severity {
            "danger" => self.wrapped(indent, "!! ", &format!("{}: {}", mark.word, mark.text)),
            "warning" => self.wrapped(indent, "! ", &mark.text),
            _ => self.wrapped(indent, "- ", &mark.text),
        }
        if let Some(action) = &mark.action {
            self.wrapped(indent + 3, "-> ", action);
        }
    }

    fn part(&mut self, part: &Part) {
        self.line(0, &part.heading.to_uppercase());
        part.marks.iter().for_each(|mark| self.mark(2, mark));
        for block in &part.blocks {
            match block {
                Block::Text { text } => self.wrapped(2, "", text),
                Block::Marks { marks } => marks.iter().for_each(|mark| self.mark(2, mark)),
                Block::Facts { facts, note } => {
                    facts.iter().for_each(|fact| self.fact(2, fact));
                    note.iter().for_each(|note| self.wrapped(2, "", &format!("({note})")));
                }
                Block::List { items, .. } => items.iter().for_each(|item| self.item(2, item)),
                Block::Decisions { decisions } => decisions.iter().for_each(|one| self.decision(one)),
            }
        }
        self.blank();
    }

    fn decision(&mut self, decision: &Decision) {
        let mut indent = 2;
        if let Some(title) = &decision.title {
            self.line(2, title);
            indent = 4;
        }
        decision.answer.iter().for_each(|answer| self.wrapped(indent, ">> ", answer));
        decision.marks.iter().for_each(|mark| self.mark(indent, mark));
        decision.facts.iter().for_each(|fact| self.fact(indent, fact));
        decision.items.iter().for_each(|item| self.item(indent, item));
        decision.signed.iter().for_each(|line| self.wrapped(indent, "", line));
    }

    fn fact(&mut self, indent: usize, fact: &Fact) {
        let said = fact.said.iter().map(|said| {
            let kept = said.kept.as_ref().map(|kept| format!("[{kept}] ")).unwrap_or_default();
            let note = said.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
            format!("{kept}{}{note}", said.text)
        });
        match &fact.several {
            Some(several) => {
                self.wrapped(indent, &format!("{}: ", fact.label), several);
                said.for_each(|said| self.wrapped(indent + 2, "- ", &said));
            }
            None => said.for_each(|said| self.wrapped(indent, &format!("{}: ", fact.label), &said)),
        }
    }

    fn item(&mut self, indent: usize, item: &Item) {
        let state = item.state.as_ref().map(|state| format!("({state}) ")).unwrap_or_default();
        let kept = item.kept.as_ref().map(|kept| format!("[{kept}] ")).unwrap_or_default();
        self.wrapped(indent, &format!("* {kept}{state}"), &item.title);
        item.facts.iter().for_each(|fact| self.fact(indent + 2, fact));
        item.note.iter().for_each(|note| self.wrapped(indent + 2, "", &format!("({note})")));
    }

    /// Words after a label, broken at [`WIDTH`] and continued two columns further in. Lines of the text stay lines.
    fn wrapped(&mut self, indent: usize, label: &str, text: &str) {
        let mut line = format!("{:indent$}{label}", "");
        let mut empty = true;
        for (at, paragraph) in text.lines().enumerate() {
            if at > 0 {
                self.push(&line);
                line = format!("{:1$}", "", indent + 2);
                empty = true;
            }
            for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
                let space = usize::from(!empty);
                if !empty && line.chars().count() + space + word.chars().count() > WIDTH {
                    self.push(&line);
                    line = format!("{:1$}", "", indent + 2);
                    empty = true;
                }
                if !empty {
                    line.push(' ');
                }
                line += word;
                empty = false;
            }
        }
        self.push(&line);
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.push(&format!("{:indent$}{text}", ""));
    }

    fn push(&mut self, line: &str) {
        self.0 += line.trim_end();
        self.0.push('\n');
    }

    fn blank(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }

    fn finish(self) -> String {
        format!("{}\n", self.0.trim_end())
    }
}
