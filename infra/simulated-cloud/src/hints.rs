//! The mistakes people make in a webhook's templates, as rows of one table. The page has the same rules
//! (`site/static/particle/template-rules.js`); `tests/template-hints.json` has examples that both run.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::{
    event::Event,
    hook::{config::HookConfig, variables::Variables},
    json::{Object, to_text},
    json_problem::{Problem, Reason, json_problem},
    render::{Budget, member, render, render_object, render_value},
    secrets::{PLACEHOLDER, SENSITIVE},
};

/// Names that the cloud has only for some webhooks, or makes up.
const OTHER_NAMES: [&str; 4] =
    ["PARTICLE_EVENT_ID", "PRODUCT_ID", "PRODUCT_USER_ID", "PRODUCT_VERSION"];
const OBJECT: &str = "[object Object]";
const ENTITIES: [&str; 5] = ["&quot;", "&amp;", "&lt;", "&gt;", "&#39;"];
/// A tag that changes what opens and closes the others.
const DELIMITERS: &str = "{{=";
/// Where versions of Device OS cut the data of an event, in bytes.
const DATA_LIMITS: [usize; 4] = [255, 622, 864, 1024];
/// How often one rule speaks.
const MAX_PLACES: usize = 5;
/// The longest texts that are compared value by value, and the most values.
const MAX_COMPARED: usize = 20_000;
const MAX_VALUES: usize = 2_000;

/// What there is to say about a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The rule.
    pub id: &'static str,
    /// Whether the request is probably not what was meant.
    pub is_error: bool,
    /// A sentence or two.
    pub text: String,
}

/// A tag with the value that it names; none if nothing has the name.
struct Tag {
    whole: String,
    name: String,
    /// Two braces, where HTML is not meant.
    is_double: bool,
    value: Option<Value>,
}

impl Tag {
    fn is_missing(&self) -> bool {
        let of_cloud = ["PARTICLE_", "SPARK_", "PRODUCT_"];
        let is_of_cloud = of_cloud.iter().any(|start| self.name.starts_with(start));
        self.value.is_none() && (is_of_cloud || !is_secret(&self.name))
    }

    fn is_unknown_secret(&self) -> bool {
        self.value.is_none() && !self.is_missing()
    }

    fn is_event_value(&self) -> bool {
        self.name.ends_with("_EVENT_VALUE")
    }

    /// What it has in place of a value, if it is there and empty.
    fn emptiness(&self) -> Option<String> {
        let name = &self.name;
        match self.value.as_ref()? {
            Value::Null => Some(format!("\"{name}\" is null")),
            Value::Array(items) if items.is_empty() => Some(format!("\"{name}\" is an empty list")),
            Value::String(text) if text.is_empty() && self.is_event_value() => {
                Some("the event has no data".to_owned())
            }
            Value::String(text) if text.is_empty() => Some(format!("\"{name}\" is empty")),
            _ => None,
        }
    }
}

/// Whether a secret can have this name.
fn is_secret(name: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_';
    name.chars().all(is_sign) && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// Templates and what became of them.
struct Filling {
    templates: Vec<String>,
    tags: Vec<Tag>,
    data: String,
    /// None if the data is not JSON.
    json: Option<Value>,
    /// That the data is not JSON, or can't be read here, and why.
    data_problem: Option<String>,
    /// The body is not JSON because the data is not.
    is_data_at_fault: bool,
    /// All that may be named.
    names: Vec<String>,
    /// The body, or the values of a form or query.
    out: String,
    /// Why it could not be filled.
    error: Option<String>,
    /// Why `out`, which is meant to be JSON, is not.
    problem: Option<Problem>,
}

type Find = fn(&Filling) -> Vec<String>;

const RULES: [(&str, bool, Find); 15] = [
    ("unfillable", true, |filling| {
        let error = filling.error.iter();
        error.map(|error| format!("It can't be filled: {error}.")).collect()
    }),
    ("open-tag", true, |filling| {
        let is_open = |text: &&String| text.matches("{{").count() > text.matches("}}").count();
        let open = filling.templates.iter().filter(is_open);
        open.map(|_| "A tag is opened by {{ and never closed by }}.".to_owned()).collect()
    }),
    ("data-cut", true, |filling| {
        let size = filling.data.len();
        said(is_cut(filling), || {
            format!(
                "The data is not JSON and ends after exactly {size} bytes, where a version of Device OS cuts longer data: it was longer, and the rest is lost."
            )
        })
    }),
    ("data-not-json", true, data_not_json),
    ("missing-name", true, missing_name),
    ("secret", false, |filling| {
        let unknown = filling.tags.iter().filter(|tag| tag.is_unknown_secret());
        let which = if filling.data_problem.is_some() { ", which is not JSON" } else { "" };
        unknown
            .map(|Tag { whole, name, .. }| {
                let meant = meant(name, &filling.names);
                format!("{whole}: not in the data{which}. It is filled if a cloud secret named {name} is selected for the webhook; logs show it as {SENSITIVE}.{meant}")
            })
            .collect()
    }),
    ("object-as-value", true, object_as_value),
    ("list-as-value", true, |filling| {
        let lists = lists(filling).into_iter();
        lists
            .map(|Tag { whole, name, value, .. }| {
                let text = value.as_ref().map(to_text).unwrap_or_default();
                format!("{whole}: \"{name}\" is a list, which is written as {}, without brackets and quotes. Write its items in a section, {{{{#{name}}}}}…{{{{/{name}}}}}.", short(&text))
            })
            .collect()
    }),
    ("double-braces", true, double_braces),
    ("unquoted-text", true, |filling| {
        let publish = match filling.json {
            None => ", or publish JSON: the console's Test sends plain text",
            Some(_) => "",
        };
        let text = unquoted(filling).map(|text| format!("\"{text}\" is text without quotes, which is not JSON. Put quotes around the tag{publish}."));
        text.into_iter().collect()
    }),
    ("quote-inside", true, |filling| {
        let problem = problem_of(filling, &[Reason::Quote]);
        let words = problem.map(|problem| {
            let place = problem.position(&filling.out);
            format!("The body is not JSON: a quote in a value ends it too early, at position {place}. Leave out the quotes around the tag, or send the data in a json object, which escapes it.")
        });
        words.into_iter().collect()
    }),
    ("comma-left", true, |filling| {
        let problem = problem_of(filling, &[Reason::Comma]);
        let has_section = filling.templates.iter().any(|text| text.contains("{{#"));
        let section = if has_section {
            ": a section writes what is in it for every item, and the last one needs no comma"
        } else {
            ""
        };
        let words = problem.map(|problem| {
            let place = problem.position(&filling.out);
            format!("A comma is left over after the last item, at position {place}{section}.")
        });
        words.into_iter().collect()
    }),
    ("not-json", true, |filling| {
        let others = [Reason::Comma, Reason::Value, Reason::Quote, Reason::Quotes];
        let problem = filling.problem.filter(|problem| !others.contains(&problem.reason));
        let problem = problem.filter(|_| unquoted(filling).is_none() && lists(filling).is_empty());
        let words = problem.map(|problem| {
            let why = problem.words(&filling.out);
            let advice = match problem.reason {
                Reason::Control | Reason::Escape => {
                    " What is filled into a text is not escaped; in a json object it is."
                }
                _ => "",
            };
            format!("The body begins like JSON but is not JSON: {why}.{advice}")
        });
        words.into_iter().collect()
    }),
    ("became-string", false, became_string),
    ("data-size", false, |filling| {
        let size = filling.data.len();
        said(size > 1024, || {
            format!(
                "{size} bytes of data: before Device OS 6.3 a device publishes at most 1024, and cuts the rest."
            )
        })
    }),
];

/// What there is to say about the templates of a webhook, filled from an event; and a value for each secret that they name.
pub(crate) fn examine(config: &HookConfig, event: &Event) -> (Vec<Hint>, Object) {
    let filling = fill(config, event);
    let secrets = filling.tags.iter().filter(|tag| tag.is_unknown_secret());
    let secrets = secrets.map(|tag| (tag.name.clone(), json!(PLACEHOLDER))).collect();
    let rules = RULES.iter().flat_map(|(id, is_error, find)| {
        let mut places = find(&filling);
        let more = places.len().saturating_sub(MAX_PLACES);
        places.truncate(MAX_PLACES);
        if let Some(last) = places.last_mut().filter(|_| more > 0) {
            last.push_str(&format!(" And {more} more."));
        }
        places.into_iter().map(|text| Hint { id, is_error: *is_error, text })
    });
    (rules.collect(), secrets)
}

fn said(is_so: bool, words: impl FnOnce() -> String) -> Vec<String> {
    is_so.then(words).into_iter().collect()
}

fn problem_of(filling: &Filling, reasons: &[Reason]) -> Option<Problem> {
    filling.problem.filter(|problem| reasons.contains(&problem.reason))
}

fn is_cut(filling: &Filling) -> bool {
    let is_limit = DATA_LIMITS.contains(&filling.data.len());
    filling.json.is_none() && is_like_json(&filling.data) && is_limit
}

fn data_not_json(filling: &Filling) -> Vec<String> {
    let Some(why) = filling.data_problem.as_ref().filter(|_| !is_cut(filling)) else {
        return Vec::new();
    };
    let is_of_data = |tag: &Tag| tag.value.is_none() && !is_secret(&tag.name);
    if !filling.is_data_at_fault && !filling.tags.iter().any(is_of_data) {
        return Vec::new();
    }
    if !is_like_json(&filling.data) {
        return vec!["The data is text and not JSON, so every name in it is empty.".to_owned()];
    }
    let what = match filling.is_data_at_fault {
        true => "and it is a part of the body",
        false => "so every name in it is empty",
    };
    vec![format!("{why}, {what}.")]
}

fn missing_name(filling: &Filling) -> Vec<String> {
    let missing: Vec<&Tag> = filling.tags.iter().filter(|tag| tag.is_missing()).collect();
    if missing.is_empty() {
        if problem_of(filling, &[Reason::Value]).is_none() {
            return Vec::new();
        }
        let empty = filling.tags.iter().filter_map(|tag| Some((&tag.whole, tag.emptiness()?)));
        let empty: Vec<String> = empty
            .map(|(whole, why)| format!("{whole}: {why}, so nothing is written there."))
            .collect();
        return if empty.is_empty() {
            vec!["A value is missing in the body: perhaps the template names something that the data does not have, or that is empty.".to_owned()]
        } else {
            empty
        };
    }
    if filling.data_problem.is_some() {
        return Vec::new();
    }
    let words = missing.into_iter().map(|Tag { whole, name, .. }| {
        let meant = meant(name, &filling.names);
        format!("{whole}: the data has no \"{name}\", so nothing is written there.{meant}")
    });
    words.collect()
}

/// Whether what is before a place begins JSON, and the place is in no text of it.
fn is_outside(out: &str, at: usize) -> bool {
    json_problem(&out[..at]).is_some_and(|problem| problem.at == at)
}

/// Whether a text is written where the body stops being JSON, and without quotes around it.
fn is_bare(filling: &Filling, text: &str) -> bool {
    let (Some(problem), false) = (filling.problem, text.is_empty()) else {
        return false;
    };
    // The text may begin at the place itself.
    let end = filling.out.floor_char_boundary(problem.at + text.len());
    let place = filling.out[..end].rfind(text);
    place.is_some_and(|at| {
        at <= problem.at && problem.at <= at + text.len() && is_outside(&filling.out, at)
    })
}

/// The lists that are written where the body stops being JSON.
fn lists(filling: &Filling) -> Vec<&Tag> {
    let is_list = |tag: &&Tag| match &tag.value {
        Some(list @ Value::Array(_)) => is_bare(filling, &to_text(list)),
        _ => false,
    };
    filling.tags.iter().filter(is_list).collect()
}

/// The text without quotes at which the body stops being JSON.
fn unquoted(filling: &Filling) -> Option<String> {
    let problem = filling.problem.filter(|problem| problem.reason != Reason::Value)?;
    if !lists(filling).is_empty() {
        return None;
    }
    let data = Some(filling.data.as_str()).filter(|_| filling.json.is_none());
    let texts = filling.tags.iter().filter_map(|tag| tag.value.as_ref()?.as_str()).chain(data);
    let is_text = |text: &&str| {
        !text.trim().is_empty() && !is_like_json(text) && json_problem(text).is_some()
    };
    let texts: BTreeSet<&str> = texts.filter(is_text).collect();
    if let Some(text) = texts.into_iter().find(|text| is_bare(filling, text)) {
        return Some(short(text));
    }
    let before = problem.at.saturating_sub(1);
    let is_object = filling.out.get(before..).is_some_and(|rest| rest.starts_with(OBJECT));
    if problem.reason != Reason::Quotes || is_object {
        return None;
    }
    let rest = &filling.out[problem.at..];
    let end = rest.find([',', '}', ']', '\n']).unwrap_or(rest.len());
    Some(short(&rest[..end]))
}

fn object_as_value(filling: &Filling) -> Vec<String> {
    let objects = filling.tags.iter().filter_map(|tag| match &tag.value {
        Some(Value::Object(fields)) => Some((tag, fields)),
        _ => None,
    });
    let words: Vec<String> = objects
        .map(|(Tag { whole, name, .. }, fields)| {
            let key = fields.keys().next().map_or("name", String::as_str);
            format!("{whole}: \"{name}\" is an object, which is written as {OBJECT}. Name a value in it, such as {{{{{{{name}.{}}}}}}}, or pass the whole data on with {{{{{{PARTICLE_EVENT_VALUE}}}}}}.", short(key))
        })
        .collect();
    let is_written = filling.out.contains(OBJECT) && !filling.data.contains(OBJECT);
    if !words.is_empty() || !is_written {
        return words;
    }
    vec![format!(
        "{OBJECT}: the template names an object where a value belongs. Name a value in it, with a dot, or pass the whole data on with {{{{{{PARTICLE_EVENT_VALUE}}}}}}."
    )]
}

fn double_braces(filling: &Filling) -> Vec<String> {
    let is_changed = |tag: &&Tag| {
        let text = tag.value.as_ref().map(to_text).unwrap_or_default();
        tag.is_double && text.contains(['&', '<', '>', '\'', '"'])
    };
    let words: Vec<String> = filling
        .tags
        .iter()
        .filter(is_changed)
        .map(|Tag { whole, name, .. }| {
            format!("{whole}: two braces write text for HTML, where a quote is &quot; and an apostrophe &#39;. Use three: {{{{{{{name}}}}}}}.")
        })
        .collect();
    let has_entity = |text: &str| ENTITIES.iter().any(|entity| text.contains(entity));
    let is_other = is_markup(&filling.out)
        || filling.templates.iter().any(|text| is_type(text, is_markup_type) || has_entity(text))
        || has_entity(&filling.data);
    let entity = ENTITIES.iter().find(|entity| filling.out.contains(**entity));
    match entity.filter(|_| words.is_empty() && !is_other) {
        Some(entity) => vec![format!(
            "\"{entity}\" comes from double braces in the template, which write text for HTML. Use triple braces."
        )],
        None => words,
    }
}

/// Whether a text is, or has in it, HTML or XML, which two braces are meant for.
fn is_markup(text: &str) -> bool {
    text.trim_start().starts_with('<') || text.contains("</") || text.contains("/>")
}

/// Whether a template is a content type, as a header's value, whose second part is as said.
fn is_type(text: &str, is_kind: fn(&str) -> bool) -> bool {
    let text = text.to_ascii_lowercase();
    let part = text.strip_prefix("application/").or_else(|| text.strip_prefix("text/"));
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || "_.+-".contains(sign);
    part.is_some_and(|part| is_kind(part.split(|sign| !is_part(sign)).next().unwrap_or_default()))
}

fn is_markup_type(kind: &str) -> bool {
    kind.contains("xml") || kind.contains("html")
}

fn is_other_type(kind: &str) -> bool {
    kind != "json" && !kind.ends_with("+json")
}

/// Tags that are all of a text in a json object and name a number or boolean.
fn became_string(filling: &Filling) -> Vec<String> {
    let (Some(data), Ok(body)) = (&filling.json, serde_json::from_str(&filling.out)) else {
        return Vec::new();
    };
    let is_text = filling.templates.iter().any(|text| is_like_json(text));
    if is_text || filling.data.len() > MAX_COMPARED || filling.out.len() > MAX_COMPARED {
        return Vec::new();
    }
    let texts: BTreeSet<&str> = scalars(&body).into_iter().filter_map(Value::as_str).collect();
    let words = filling.tags.iter().filter(|tag| filling.templates.contains(&tag.whole));
    words
        .filter_map(|tag| {
            let value = if tag.is_event_value() { data } else { tag.value.as_ref()? };
            let kind = match value {
                Value::Number(_) => "number",
                Value::Bool(_) => "boolean",
                _ => return None,
            };
            texts.contains(to_text(value).as_str()).then(|| format!(
                "{}: text here, and a {kind} when published: in a json object of the webhook all values become text. A json given as text, or a body, keeps numbers.",
                tag.whole
            ))
        })
        .collect()
}

/// Values that hold no others.
fn scalars(value: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop().filter(|_| found.len() < MAX_VALUES) {
        match value {
            Value::Array(items) => open.extend(items.iter().rev()),
            Value::Object(fields) => open.extend(fields.values().rev()),
            scalar => found.push(scalar),
        }
    }
    found
}

fn fill(config: &HookConfig, event: &Event) -> Filling {
    let data = event.data.clone().unwrap_or_default();
    let read = serde_json::from_str::<Value>(&data);
    let data_problem = read.as_ref().err().filter(|_| !data.trim().is_empty()).map(|error| {
        let problem = json_problem(&data).map(|problem| problem.words(&data));
        match problem {
            Some(why) => format!("The data is not JSON ({why})"),
            None => format!("This program can't read the data ({error})"),
        }
    });
    let json = read.ok();
    let provided = Variables::of(event).provided;
    let others = OTHER_NAMES.map(|name| (name.to_owned(), json!(format!("[{name}]"))));
    let others = Value::Object(Object::from_iter(others));
    let mut templates = templates_of(config);
    let contexts = [&provided, &others, json.as_ref().unwrap_or(&Value::Null)];
    let tags = tags_of(&templates, &contexts);
    let secrets = tags.iter().filter(|tag| tag.is_unknown_secret());
    let secrets = secrets.map(|tag| (tag.name.clone(), json!(SENSITIVE)));
    let secrets = Value::Object(secrets.collect());
    let contexts = [contexts[2], &others, &secrets, &provided];
    let (out, error) = match written(config, &contexts) {
        Ok(out) => (out, None),
        Err(error) => (String::new(), Some(error)),
    };
    let mut names: Vec<String> = OTHER_NAMES.map(str::to_owned).into();
    names.extend(provided.as_object().into_iter().flat_map(|fields| fields.keys().cloned()));
    add_names(json.as_ref().unwrap_or(&Value::Null), "", 0, &mut names);
    let problem = problem(&templates, &tags, &out);
    // Whether the body were JSON if the data was.
    let is_data_at_fault = problem.is_some()
        && json_problem(&data).is_some()
        && is_like_json(&data)
        && out.find(&data).is_some_and(|at| is_outside(&out, at))
        && json_problem(&out.replace(&data, "0")).is_none();
    let problem = problem.filter(|_| !is_data_at_fault);
    // What is filled from the response may name what is in no event.
    add_texts(config.response_template.clone(), &mut templates);
    Filling {
        templates,
        tags,
        data,
        json,
        data_problem,
        is_data_at_fault,
        names,
        out,
        error,
        problem,
    }
}

fn problem(templates: &[String], tags: &[Tag], out: &str) -> Option<Problem> {
    // A text whose template does not begin like JSON need not be any.
    let is_meant = is_like_json(out)
        && templates.iter().any(|text| is_like_json(text))
        && !templates.iter().any(|text| is_type(text, is_other_type));
    if !is_meant || tags.iter().any(Tag::is_missing) {
        return None;
    }
    let problem = if tags.iter().any(Tag::is_unknown_secret) {
        // A secret may be a number.
        json_problem(&out.replace(SENSITIVE, &"1".repeat(SENSITIVE.len())))
    } else {
        json_problem(out)
    };
    // JSON texts in sequence, or a text that begins with a word in brackets.
    problem.filter(|Problem { at, reason }| {
        *reason != Reason::More || out[*at..].starts_with(['}', ']', ','])
    })
}

/// The body without the default fields, or the values of a form and a query. The other templates are filled to see whether they
/// can be.
fn written(config: &HookConfig, contexts: &[&Value]) -> Result<String, String> {
    let budget = &mut Budget::default();
    for topic in [&config.response_topic, &config.error_response_topic].into_iter().flatten() {
        render(topic, contexts, budget)?;
    }
    if let Some(template) = &config.response_template {
        render_value(template, contexts, budget)?;
    }
    if has_body(config) {
        let text = config.json.as_ref().and_then(Value::as_str).or(config.body.as_deref());
        if let Some(text) = text {
            return render(text, contexts, budget);
        }
        if let Some(json) = &config.json {
            return Ok(render_value(json, contexts, budget)?.to_string());
        }
    }
    let form = render_object(&config.form, contexts, budget)?;
    let query = render_object(&config.query, contexts, budget)?;
    let values: Vec<String> = form.values().chain(query.values()).map(to_text).collect();
    Ok(values.join("\n"))
}

fn has_body(config: &HookConfig) -> bool {
    config.request_type != "GET"
}

/// All templates that are filled from the event.
fn templates_of(config: &HookConfig) -> Vec<String> {
    let auth = config.auth.as_ref().map(|auth| json!([auth.username, auth.password]));
    let bodies = [config.json.clone(), config.body.as_ref().map(|body| json!(body))];
    let mut templates = Vec::new();
    for value in [Some(json!(config.url))]
        .into_iter()
        .chain(bodies.into_iter().filter(|_| has_body(config)))
        .chain([Some(json!([config.form, config.query, config.headers])), auth])
        .chain([Some(json!([config.response_topic, config.error_response_topic]))])
    {
        add_texts(value, &mut templates);
    }
    templates
}

/// Adds the texts in a value, and the names in it that are templates.
fn add_texts(value: Option<Value>, templates: &mut Vec<String>) {
    let mut open = Vec::from_iter(value);
    while let Some(value) = open.pop().filter(|_| templates.len() < MAX_VALUES) {
        match value {
            Value::String(text) => templates.push(text),
            Value::Array(items) => open.extend(items.into_iter().rev()),
            Value::Object(fields) => {
                templates.extend(fields.keys().filter(|key| key.contains("{{")).cloned());
                open.extend(fields.into_iter().rev().map(|(_, value)| value));
            }
            _ => {}
        }
    }
}

/// The tags that name a value, outside of sections, where names mean what the item has.
fn tags_of(templates: &[String], contexts: &[&Value]) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let is_markup_body = templates.iter().any(|text| is_type(text, is_markup_type));
    for template in templates.iter().filter(|text| !text.contains(DELIMITERS)) {
        let is_html = is_markup_body || is_markup(template);
        let mut depth = 0;
        let mut rest = template.as_str();
        while let Some(at) = rest.find("{{") {
            let Some((whole, kind, inside)) = tag(&rest[at..]) else {
                rest = &rest[at + 1..];
                continue;
            };
            rest = &rest[at + whole.len()..];
            depth += match kind {
                '#' | '^' => 1,
                '/' => -1,
                _ => 0,
            };
            let name = short(inside);
            if depth > 0 || "#^/!>".contains(kind) || name.is_empty() || name == "." {
                continue;
            }
            let is_double = kind == ' ' && !is_html;
            if let Some(known) = places.get(whole) {
                tags[*known].is_double |= is_double;
            } else if tags.len() < MAX_VALUES {
                places.insert(whole, tags.len());
                let value = contexts.iter().find_map(|context| value_of(context, &name));
                tags.push(Tag { whole: short(whole), name, is_double, value: value.flatten() });
            }
        }
    }
    tags
}

/// The tag at the start of a text: all of it, what opens it (`{` for three braces, a blank for two) and what is in it.
fn tag(text: &str) -> Option<(&str, char, &str)> {
    let is_brace = |sign: char| sign == '{' || sign == '}';
    let read = |open: usize, close: &str| {
        let length = text.get(open..)?.find(is_brace)?;
        let end = open + length + close.len();
        text[open + length..].starts_with(close).then(|| (&text[..end], &text[open..open + length]))
    };
    if let Some((whole, inside)) = read(3, "}}}").filter(|_| text.starts_with("{{{")) {
        return Some((whole, '{', inside.trim()));
    }
    let (whole, inside) = read(2, "}}")?;
    let kind = inside.chars().next().filter(|kind| "#^/&!>".contains(*kind));
    Some((whole, kind.unwrap_or(' '), inside[kind.map_or(0, char::len_utf8)..].trim()))
}

/// What a context has under a name; none if it has not even its first part.
fn value_of(context: &Value, name: &str) -> Option<Option<Value>> {
    let mut parts = name.split('.');
    let mut value = member(context, parts.next()?)?.into_owned();
    for part in parts {
        match member(&value, part) {
            Some(inner) => value = inner.into_owned(),
            None => return Some(None),
        }
    }
    Some(Some(value))
}

/// Names in the data, with dots, as far as anybody would name them.
fn add_names(value: &Value, prefix: &str, depth: usize, names: &mut Vec<String>) {
    let Value::Object(fields) = value else { return };
    for (key, inner) in fields.iter().take(50) {
        if depth > 3 || names.len() >= MAX_VALUES {
            return;
        }
        let name = format!("{prefix}{key}");
        names.push(name.clone());
        add_names(inner, &format!("{name}."), depth + 1, names);
    }
}

/// A question whether another name was meant.
fn meant(name: &str, names: &[String]) -> String {
    match nearest(name, names) {
        Some(near) if near == name => {
            format!(" A dot reaches into an object, and \"{name}\" is one name there.")
        }
        Some(near) => format!(" Did you mean {}?", short(near)),
        None => String::new(),
    }
}

/// A name that differs in letters' case alone, or ends in the one that was meant.
fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    let small = name.to_lowercase();
    let ends =
        [format!(".{small}"), format!("particle_event_{small}"), format!("particle_{small}")];
    let same = names.iter().find(|one| one.to_lowercase() == small);
    let mut others = names.iter();
    let close = |one: &&String| ends.iter().any(|end| one.to_lowercase().ends_with(end));
    same.or_else(|| others.find(close)).map(String::as_str)
}

fn is_like_json(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('[') || (text.starts_with('{') && !text.starts_with("{{"))
}

/// The start of a text for a sentence, on one line.
fn short(text: &str) -> String {
    let text: String = text.trim().chars().take(60).collect();
    text.replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::event::Content;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        integration: Object,
        data: String,
        hints: Vec<String>,
    }

    fn found(integration: Object, data: &str) -> Vec<Hint> {
        let mut given = integration;
        given.insert("event".to_owned(), json!("E"));
        given.entry("url").or_insert(json!("http://h"));
        let event = Event {
            id: "0123456789abcdef01234567".to_owned(),
            name: "E".to_owned(),
            data: Some(data.to_owned()),
            content: Content::Text,
            published_at: 0,
            coreid: "api".to_owned(),
            userid: String::new(),
            product_id: 13,
            in_product: false,
            guesses: Vec::new(),
        };
        examine(&HookConfig::read(&given).unwrap(), &event).0
    }

    /// The page runs the same table, so neither side can be bent alone.
    #[test]
    fn the_table_of_mistakes_is_found() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../tests/template-hints.json")).unwrap();
        for (id, _, _) in RULES {
            assert!(cases.iter().any(|case| case.hints.iter().any(|hint| hint == id)), "{id}");
        }
        for case in cases {
            let found = found(case.integration, &case.data);
            let ids: Vec<_> = found.iter().map(|hint| hint.id).collect();
            assert_eq!(ids, case.hints, "{}: {found:?}", case.name);
        }
    }

    #[test]
    fn what_is_said_names_the_cause() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        for (body, data, expected) in [
            (
                "{{{Room}}}",
                r#"{"room":1}"#,
                "has no \"Room\", so nothing is written there. Did you mean room?",
            ),
            ("{{{device_id}}}", "{}", "Did you mean PARTICLE_DEVICE_ID?"),
            ("{{{temp}}}", r#"{"sensor":{"temp":1}}"#, "Did you mean sensor.temp?"),
            ("{{{loc}}}", r#"{"loc":{"lat":1}}"#, "{{{loc.lat}}}"),
            (r#"{"t":{{{a}}}}"#, r#"{"a":{"b":1,}}"#, "a comma is left over, at position 12"),
            (
                r#"{"t":{{{PARTICLE_EVENT_VALUE}}}}"#,
                r#"{"t":1,}"#,
                "(a comma is left over, at position 7), and it is a part of the body",
            ),
            ("{{{b}}}", r#"{"t":21."#, "it ends too early, at position 9"),
            ("{{{b}}}", "{'t':1}", "single quotes in place of double quotes, at position 2"),
            ("{{{b}}}", r#"{"t":1e400}"#, "This program can't read the data (number out of range"),
            ("{{{b}}}", &deep, "This program can't read the data (recursion limit exceeded"),
            (
                r#"{"t":"{{{t}}}"}"#,
                r#"{"t":"a\nb"}"#,
                "control character within a text, at position 8",
            ),
            (r#"{"t":{{{t}}}}"#, r#"{"t":null}"#, "\"t\" is null, so nothing"),
            (r#"{"t":{{{t}}}}"#, r#"{"t":""}"#, "\"t\" is empty, so nothing"),
            (r#"{"t":{{{t}}}}"#, r#"{"t":[]}"#, "\"t\" is an empty list, so nothing"),
            (r#"{"t":{{{PARTICLE_EVENT_VALUE}}}}"#, "", "the event has no data"),
            (
                r#"{"t":{{{t}}}}"#,
                r#"{"t":[1,2]}"#,
                "\"t\" is a list, which is written as 1,2, without",
            ),
            (r#"{"t":{{{t}}}}"#, r#"{"t":"abc"}"#, "Put quotes around the tag."),
            (r#"{"t":{{{PARTICLE_EVENT_VALUE}}}}"#, "true story", "\"true story\" is text without"),
            (r#"{"t":{{{TEMP}}}}"#, r#"{"temp":1}"#, "[[SENSITIVE]]. Did you mean temp?"),
            ("{{{a.b}}}", r#"{"a.b":1}"#, "A dot reaches into an object, and \"a.b\" is one name"),
            (r#"{"v":{{{v}}},}"#, r#"{"v":1}"#, "after the last item, at position 7."),
            (
                "{{{1}}}{{{2}}}{{{3}}}{{{4}}}{{{5}}}{{{6}}}{{{7}}}",
                "{}",
                "no \"5\", so nothing is written there. And 2 more.",
            ),
            (
                r#"{"k":{{{PARTICLE_EVENT_VALUE}}}}"#,
                "ä-event",
                "\"ä-event\" is text without quotes",
            ),
        ] {
            let found = found(Object::from_iter([("body".to_owned(), json!(body))]), data);
            assert!(found.iter().any(|hint| hint.text.contains(expected)), "{body}: {found:?}");
        }
    }
}
