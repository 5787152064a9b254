//! As much of CDDL (RFC 8610) as `docs/protocol.md` uses, so that what stands there can be held against real bytes.
//!
//! The bytes are read by ciborium, not by what wrote them.

use std::collections::BTreeMap;
use std::iter::Peekable;

use coset::cbor::Value;

/// What exists without being defined.
const PRELUDE: [&str; 6] = ["uint", "int", "bstr", "tstr", "bool", "any"];

/// Rules by name.
pub(crate) struct Cddl(BTreeMap<String, Type>);

#[derive(Debug)]
enum Type {
    Choice(Vec<Type>),
    Name(String),
    Between(i128, i128),
    Map(Vec<Member>),
    Array(Vec<Item>),
    Size(Box<Type>, i128, i128),
    Encoded(Box<Type>),
}

#[derive(Debug)]
struct Member {
    optional: bool,
    key: i128,
    value: Type,
}

#[derive(Debug)]
struct Item {
    least: usize,
    most: usize,
    kind: Type,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Number(i128),
    Mark(&'static str),
}

impl Cddl {
    /// Reads every ```` ```cddl ```` block of a Markdown text.
    pub(crate) fn of_markdown(text: &str) -> Self {
        let blocks = text.split("```cddl\n").skip(1);
        let source: String = blocks.map(|block| block.split_once("```").expect("a block ends").0).collect();
        let mut parser = Parser { tokens: tokens(&source).into_iter().peekable() };
        let mut rules = BTreeMap::new();
        while parser.tokens.peek().is_some() {
            let name = parser.name();
            parser.expect("=");
            let rule = parser.choice();
            assert!(rules.insert(name.clone(), rule).is_none(), "{name} is defined twice");
        }
        Self(rules)
    }

    pub(crate) fn is_defined(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Every name that a rule uses, with the rule.
    pub(crate) fn uses(&self) -> Vec<(String, String)> {
        let mut uses = Vec::new();
        for (rule, kind) in &self.0 {
            kind.uses(&mut |name| {
                if !PRELUDE.contains(&name) {
                    uses.push((rule.clone(), name.to_owned()));
                }
            });
        }
        uses
    }

    /// True when the bytes are one item that the rule describes.
    pub(crate) fn describes(&self, rule: &str, bytes: &[u8]) -> bool {
        self.matches(&Type::Name(rule.to_owned()), &value(bytes))
    }

    fn matches(&self, kind: &Type, value: &Value) -> bool {
        match (kind, value) {
            (Type::Choice(kinds), _) => kinds.iter().any(|kind| self.matches(kind, value)),
            (Type::Name(name), _) => match (name.as_str(), value) {
                ("uint", Value::Integer(i)) => i128::from(*i) >= 0,
                ("int", Value::Integer(_))
                | ("bstr", Value::Bytes(_))
                | ("tstr", Value::Text(_))
                | ("bool", Value::Bool(_))
                | ("any", _) => true,
                (name, _) => self.0.get(name).is_some_and(|rule| self.matches(rule, value)),
            },
            (Type::Between(low, high), Value::Integer(i)) => (*low..=*high).contains(&i128::from(*i)),
            (Type::Map(members), Value::Map(pairs)) => {
                let key = |value: &Value| value.as_integer().map(i128::from);
                let found = |member: &Member| pairs.iter().find(|(k, _)| key(k) == Some(member.key));
                pairs.iter().all(|(k, _)| members.iter().any(|member| key(k) == Some(member.key)))
                    && members.iter().all(|member| {
                        found(member).map_or(member.optional, |(_, value)| self.matches(&member.value, value))
                    })
            }
            (Type::Array(items), Value::Array(values)) => self.items(items, values),
            (Type::Size(kind, least, most), _) => {
                let size = match value {
                    Value::Bytes(bytes) => bytes.len() as i128,
                    Value::Text(text) => text.len() as i128,
                    Value::Integer(i) => {
                        return i128::from(*i) < 1 << (8 * most) && self.matches(kind, value);
                    }
                    _ => return false,
                };
                (*least..=*most).contains(&size) && self.matches(kind, value)
            }
            (Type::Encoded(kind), Value::Bytes(bytes)) => self.matches(kind, &self::value(bytes)),
            _ => false,
        }
    }

    fn items(&self, items: &[Item], values: &[Value]) -> bool {
        let Some((item, rest)) = items.split_first() else { return values.is_empty() };
        (item.least..=item.most.min(values.len())).any(|count| {
            values[..count].iter().all(|value| self.matches(&item.kind, value))
                && self.items(rest, &values[count..])
        })
    }
}

impl Type {
    fn uses(&self, tell: &mut impl FnMut(&str)) {
        match self {
            Self::Choice(kinds) => kinds.iter().for_each(|kind| kind.uses(tell)),
            Self::Name(name) => tell(name),
            Self::Between(..) => {}
            Self::Map(members) => members.iter().for_each(|member| member.value.uses(tell)),
            Self::Array(items) => items.iter().for_each(|item| item.kind.uses(tell)),
            Self::Size(kind, ..) | Self::Encoded(kind) => kind.uses(tell),
        }
    }
}

/// Reads one item by ciborium.
fn value(bytes: &[u8]) -> Value {
    coset::cbor::from_reader(bytes).expect("deterministic CBOR is CBOR")
}

struct Parser<I: Iterator<Item = Token>> {
    tokens: Peekable<I>,
}

impl<I: Iterator<Item = Token>> Parser<I> {
    fn eat(&mut self, mark: &'static str) -> bool {
        self.tokens.next_if(|token| *token == Token::Mark(mark)).is_some()
    }

    fn expect(&mut self, mark: &'static str) {
        assert!(self.eat(mark), "{mark} is expected before {:?}", self.tokens.peek());
    }

    fn name(&mut self) -> String {
        match self.tokens.next() {
            Some(Token::Name(name)) => name,
            other => panic!("a name is expected instead of {other:?}"),
        }
    }

    fn number(&mut self) -> i128 {
        match self.tokens.next() {
            Some(Token::Number(number)) => number,
            other => panic!("a number is expected instead of {other:?}"),
        }
    }

    fn choice(&mut self) -> Type {
        let mut kinds = vec![self.controlled()];
        while self.eat("/") {
            kinds.push(self.controlled());
        }
        if kinds.len() == 1 { kinds.remove(0) } else { Type::Choice(kinds) }
    }

    fn controlled(&mut self) -> Type {
        let kind = self.primary();
        if self.eat(".size") {
            let (least, most) = if self.eat("(") {
                let least = self.number();
                self.expect("..");
                let most = self.number();
                self.expect(")");
                (least, most)
            } else {
                let exactly = self.number();
                (exactly, exactly)
            };
            return Type::Size(Box::new(kind), least, most);
        }
        if self.eat(".cbor") {
            return Type::Encoded(Box::new(self.primary()));
        }
        kind
    }

    fn primary(&mut self) -> Type {
        if self.eat("{") {
            return self.map();
        }
        if self.eat("[") {
            return self.array();
        }
        match self.tokens.next() {
            Some(Token::Name(name)) => Type::Name(name),
            Some(Token::Number(low)) => {
                let high = if self.eat("..") { self.number() } else { low };
                Type::Between(low, high)
            }
            other => panic!("a type is expected instead of {other:?}"),
        }
    }

    fn map(&mut self) -> Type {
        let mut members = Vec::new();
        while !self.eat("}") {
            let optional = self.eat("?");
            let key = self.number();
            self.expect(":");
            members.push(Member { optional, key, value: self.choice() });
            self.eat(",");
        }
        Type::Map(members)
    }

    fn array(&mut self) -> Type {
        let mut items = Vec::new();
        while !self.eat("]") {
            let (least, most) = self.occurrence();
            let mut kind = self.choice();
            if self.eat(":") {
                kind = self.choice();
            }
            items.push(Item { least, most, kind });
            self.eat(",");
        }
        Type::Array(items)
    }

    fn occurrence(&mut self) -> (usize, usize) {
        if self.eat("+") {
            return (1, usize::MAX);
        }
        if self.eat("*") {
            let most = self.tokens.next_if(|token| matches!(token, Token::Number(_)));
            return (
                0,
                most.map_or(usize::MAX, |token| match token {
                    Token::Number(most) => usize::try_from(most).expect("a small number"),
                    _ => unreachable!("it is a number"),
                }),
            );
        }
        (1, 1)
    }
}

fn tokens(source: &str) -> Vec<Token> {
    const MARKS: [&str; 16] =
        [".size", ".cbor", "..", "{", "}", "[", "]", "(", ")", ",", "/", ":", "=", "?", "*", "+"];
    let lines = source.lines().map(|line| line.split(';').next().unwrap_or_default());
    let mut rest: &str = &lines.collect::<Vec<_>>().join("\n");
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return tokens };
        if let Some(mark) = MARKS.into_iter().find(|mark| rest.starts_with(mark)) {
            tokens.push(Token::Mark(mark));
            rest = &rest[mark.len()..];
            continue;
        }
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        assert!(end > 0, "{first:?} is in no CDDL that is understood here");
        let (text, after) = rest.split_at(end);
        let number = text.parse().ok();
        tokens.push(number.map_or_else(|| Token::Name(text.to_owned()), Token::Number));
        rest = after;
    }
}

/// Diagnostic notation (RFC 8949 section 8), for people.
pub(crate) fn diagnostic(bytes: &[u8]) -> String {
    notation(&value(bytes))
}

fn notation(value: &Value) -> String {
    let list = |values: Vec<String>| values.join(", ");
    match value {
        Value::Integer(i) => i128::from(*i).to_string(),
        Value::Bytes(bytes) => format!("h'{}'", super::hex(bytes)),
        Value::Text(text) => format!("\"{text}\""),
        Value::Bool(bool) => bool.to_string(),
        Value::Null => "null".to_owned(),
        Value::Array(values) => format!("[{}]", list(values.iter().map(notation).collect())),
        Value::Map(pairs) => {
            let pair = |(key, value): &(Value, Value)| format!("{}: {}", notation(key), notation(value));
            format!("{{{}}}", list(pairs.iter().map(pair).collect()))
        }
        other => panic!("{other:?} is in no message"),
    }
}
