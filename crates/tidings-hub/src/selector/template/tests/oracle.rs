//! RFC 6570 forwards: expansion as its section 3 and the algorithm of its appendix A say. And backwards by definition:
//! every way of cutting a topic is tried, which takes exponential time and needs no cleverness that could be wrong.

/// What a variable is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
    Map(Vec<(String, String)>),
}

enum Piece<'t> {
    Literal(&'t str),
    Expression(Rule, Vec<Variable<'t>>),
}

#[derive(Clone, Copy)]
struct Rule {
    first: &'static str,
    separator: &'static str,
    named: bool,
    if_empty: &'static str,
    reserved: bool,
}

struct Variable<'t> {
    name: &'t str,
    explode: bool,
    prefix: Option<usize>,
}

/// Of a template that is known to be one.
fn pieces(mut template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((literal, rest)) = template.split_once('{') {
        let (expression, rest) = rest.split_once('}').unwrap();
        let (named, unnamed) = (true, false);
        let (first, separator, named, if_empty, reserved) = match expression.as_bytes()[0] {
            b'+' => ("", ",", unnamed, "", true),
            b'#' => ("#", ",", unnamed, "", true),
            b'.' => (".", ".", unnamed, "", false),
            b'/' => ("/", "/", unnamed, "", false),
            b';' => (";", ";", named, "", false),
            b'?' => ("?", "&", named, "=", false),
            b'&' => ("&", "&", named, "=", false),
            _ => ("", ",", unnamed, "", false),
        };
        let variables = expression.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']).split(',');
        let variable = |text: &'_ str| -> (usize, bool, Option<usize>) {
            let (name, prefix) =
                text.split_once(':').map_or((text, None), |(name, n)| (name, n.parse().ok()));
            let explode = name.ends_with('*');
            (name.len() - usize::from(explode), explode, prefix)
        };
        let variables = variables.map(|text| {
            let (length, explode, prefix) = variable(text);
            Variable { name: &text[..length], explode, prefix }
        });
        pieces.push(Piece::Literal(literal));
        pieces.push(Piece::Expression(
            Rule { first, separator, named, if_empty, reserved },
            variables.collect(),
        ));
        template = rest;
    }
    pieces.push(Piece::Literal(template));
    pieces
}

fn is_reserved(char: char) -> bool {
    ":/?#[]@!$&'()*+,;=".contains(char)
}

fn is_unreserved(char: char) -> bool {
    char.is_ascii_alphanumeric() || "-._~".contains(char)
}

fn octet_at(text: &str) -> bool {
    text.starts_with('%')
        && text.len() >= 3
        && text.bytes().skip(1).take(2).all(|digit| digit.is_ascii_hexdigit())
}

/// Section 3.2.1: what is not allowed is encoded, and where reserved characters are allowed, octets stay as they are.
fn encode(text: &str, reserved: bool) -> String {
    let mut encoded = String::new();
    for (at, char) in text.char_indices() {
        let stays = is_unreserved(char) || reserved && (is_reserved(char) || octet_at(&text[at..]));
        if stays {
            encoded.push(char);
        } else {
            let mut bytes = [0; 4];
            char.encode_utf8(&mut bytes).bytes().for_each(|byte| encoded += &format!("%{byte:02X}"));
        }
    }
    encoded
}

pub(super) fn expand(template: &str, value: impl Fn(&str) -> Option<Value>) -> String {
    let mut expanded = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Literal(text) => expanded += &encode(text, true),
            Piece::Expression(rule, variables) => {
                let mut first = true;
                for variable in &variables {
                    let Some(value) = value(variable.name) else { continue };
                    let Some(item) = expand_item(rule, variable, &value) else { continue };
                    expanded += if first { rule.first } else { rule.separator };
                    expanded += &item;
                    first = false;
                }
            }
        }
    }
    expanded
}

fn expand_item(rule: Rule, variable: &Variable<'_>, value: &Value) -> Option<String> {
    let encode = |text: &String| encode(text, rule.reserved);
    let named = |name: &str, value: String| match (rule.named, value.is_empty()) {
        (false, _) => value,
        (true, true) => format!("{name}{}", rule.if_empty),
        (true, false) => format!("{name}={value}"),
    };
    Some(match value {
        Value::Text(text) => {
            let text = text.chars().take(variable.prefix.unwrap_or(usize::MAX)).collect();
            named(variable.name, encode(&text))
        }
        // No member is as good as not defined (section 2.3).
        Value::List(list) if list.is_empty() => return None,
        Value::Map(map) if map.is_empty() => return None,
        Value::List(list) if variable.explode => {
            let items: Vec<_> = list.iter().map(|value| named(variable.name, encode(value))).collect();
            items.join(rule.separator)
        }
        Value::Map(map) if variable.explode => {
            let item = |(name, value): &(String, String)| match rule.named {
                true => named(&encode(name), encode(value)),
                false => format!("{}={}", encode(name), encode(value)),
            };
            map.iter().map(item).collect::<Vec<_>>().join(rule.separator)
        }
        Value::List(list) => named(variable.name, list.iter().map(encode).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let pair = |(name, value): &(String, String)| format!("{},{}", encode(name), encode(value));
            named(variable.name, map.iter().map(pair).collect::<Vec<_>>().join(","))
        }
    })
}

/// The one way in which texts that are the same URI are written.
fn uri(text: &str) -> String {
    let mut uri = String::new();
    let mut skipped = 0;
    for (at, char) in text.char_indices() {
        if skipped > 0 {
            skipped -= 1;
        } else if octet_at(&text[at..]) {
            uri += &text[at..at + 3].to_ascii_uppercase();
            skipped = 2;
        } else if char.is_ascii() {
            uri.push(char);
        } else {
            uri += &encode(&char.to_string(), false);
        }
    }
    uri
}

/// Whether the template can expand to the topic.
pub(super) fn matches(template: &str, topic: &str) -> bool {
    pieces_match(&pieces(template), &uri(topic))
}

fn pieces_match(pieces: &[Piece<'_>], text: &str) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Literal(literal), rest @ ..] => {
            text.strip_prefix(&uri(literal)).is_some_and(|text| pieces_match(rest, text))
        }
        [Piece::Expression(rule, variables), rest @ ..] => (0..=text.len()).any(|end| {
            let (own, others) = text.split_at(end);
            let expands = own.is_empty()
                || own.strip_prefix(rule.first).is_some_and(|own| some_match(*rule, variables, own));
            (expands || rule.first.is_empty() && own.is_empty()) && pieces_match(rest, others)
        }),
    }
}

/// Whether at least one of the variables is defined, and together they expand to this.
fn some_match(rule: Rule, variables: &[Variable<'_>], text: &str) -> bool {
    variables.iter().enumerate().any(|(index, variable)| {
        (0..=text.len()).any(|end| {
            let (own, others) = text.split_at(end);
            item_matches(rule, variable, own)
                && (others.is_empty()
                    || others
                        .strip_prefix(rule.separator)
                        .is_some_and(|others| some_match(rule, &variables[index + 1..], others)))
        })
    })
}

fn item_matches(rule: Rule, variable: &Variable<'_>, text: &str) -> bool {
    let encoded = |text: &str| is_encoded(text, rule.reserved);
    let named =
        |name: &dyn Fn(&str) -> bool, value: &dyn Fn(&str) -> bool, text: &str| match text.split_once('=') {
            _ if !rule.named => value(text),
            Some((before, "")) => name(before) && rule.if_empty == "=",
            Some((before, after)) => name(before) && value(after),
            None => name(text) && rule.if_empty.is_empty(),
        };
    let own_name = |text: &str| text == uri(variable.name);
    let short =
        |text: &str| encoded(text) && characters(text).is_some_and(|n| n <= variable.prefix.unwrap_or(n));
    let list = |text: &str| joined(text, ",", &encoded);
    let pair = |text: &str| text.split_once('=').is_some_and(|(name, value)| encoded(name) && encoded(value));
    match (variable.prefix, variable.explode) {
        (Some(_), _) => named(&own_name, &short, text),
        (None, false) => named(&own_name, &encoded, text) || named(&own_name, &list, text),
        (None, true) => {
            named(&own_name, &encoded, text)
                || joined(text, rule.separator, &|text| named(&own_name, &encoded, text))
                || match rule.named {
                    true => joined(text, rule.separator, &|text| named(&encoded, &encoded, text)),
                    false => joined(text, rule.separator, &pair),
                }
        }
    }
}

fn joined(text: &str, separator: &str, is_item: &dyn Fn(&str) -> bool) -> bool {
    is_item(text)
        || text
            .match_indices(separator)
            .any(|(at, _)| is_item(&text[..at]) && joined(&text[at + separator.len()..], separator, is_item))
}

/// Whether some value is encoded so.
fn is_encoded(text: &str, reserved: bool) -> bool {
    match text.chars().next() {
        None => true,
        Some('%') => octet_at(text) && is_encoded(&text[3..], reserved),
        Some(char) => {
            (is_unreserved(char) || reserved && is_reserved(char)) && is_encoded(&text[1..], reserved)
        }
    }
}

/// How many characters an encoded text has: an octet that leads, and those that follow it, are one. `None` when an octet
/// follows nothing.
fn characters(text: &str) -> Option<usize> {
    let (mut count, mut at, mut led) = (0, 0, false);
    while at < text.len() {
        match text.as_bytes()[at..] {
            [b'%', b'8'..=b'9' | b'A'..=b'B', ..] if led => at += 3,
            [b'%', b'8'..=b'9' | b'A'..=b'B', ..] => return None,
            [b'%', high, ..] => (count, at, led) = (count + 1, at + 3, high >= b'C'),
            _ => (count, at, led) = (count + 1, at + 1, false),
        }
    }
    Some(count)
}
