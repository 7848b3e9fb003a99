//! `/api/docs`: the OpenAPI document as a page.

use std::sync::LazyLock;

use askama::Template;
use serde_json::Value;

use crate::pages::Page;
use crate::router::openapi;

/// The document, as a template writes it.
#[derive(Template)]
#[template(path = "docs.html")]
pub(crate) struct Docs {
    version: String,
    description: String,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

/// The operations on one noun.
struct Group {
    noun: String,
    operations: Vec<Operation>,
}

/// One method of one path.
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    /// Each way to say who asks, any of which does.
    who: Vec<&'static str>,
    params: Vec<Field>,
    body: Option<Content>,
    answers: Vec<Answer>,
}

/// A parameter of an operation, or a member of an object.
struct Field {
    name: String,
    /// Where a parameter stands: `path`, `query` or `header`.
    place: String,
    kind: Kind,
    is_required: bool,
    description: String,
}

/// What an operation answers with a status.
struct Answer {
    status: String,
    meaning: String,
    content: Option<Content>,
}

/// A body.
struct Content {
    media_type: String,
    kind: Kind,
}

/// A type, in words.
struct Kind {
    text: String,
    /// The schema that says more.
    schema: Option<String>,
}

/// An object's description.
struct Schema {
    name: String,
    description: String,
    fields: Vec<Field>,
}

/// Shows the document. It is the same for as long as the host runs.
pub(crate) async fn show() -> Page<&'static Docs> {
    static DOCS: LazyLock<Docs> =
        LazyLock::new(|| Docs::new(&serde_json::to_value(openapi()).unwrap_or_default()));
    Page(&DOCS)
}

impl Docs {
    fn new(document: &Value) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (path, item) in members(&document["paths"]) {
            for (method, operation) in members(item) {
                let noun = text(&operation["tags"][0]);
                let operation = Operation::new(method, path, operation);
                match groups.iter_mut().find(|group| group.noun == noun) {
                    Some(group) => group.operations.push(operation),
                    None => groups.push(Group { noun, operations: vec![operation] }),
                }
            }
        }
        let schemas = members(&document["components"]["schemas"]);
        Self {
            version: text(&document["info"]["version"]),
            description: text(&document["info"]["description"]),
            groups,
            schemas: schemas.map(|(name, schema)| Schema::new(name, schema)).collect(),
        }
    }
}

impl Operation {
    fn new(method: &str, path: &str, operation: &Value) -> Self {
        let answers = members(&operation["responses"]).map(|(status, response)| Answer {
            status: status.to_owned(),
            meaning: text(&response["description"]),
            content: Content::new(response),
        });
        let params = list(&operation["parameters"]).iter().map(Field::param);
        Self {
            id: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            who: list(&operation["security"]).iter().flat_map(members).map(who).collect(),
            params: params.filter(Field::says_more_than_the_path).collect(),
            body: Content::new(&operation["requestBody"]),
            answers: answers.collect(),
        }
    }
}

/// Who a security requirement lets in. Each role may do what the ones below it may.
fn who((scheme, roles): (&str, &Value)) -> &'static str {
    match (scheme, roles[0].as_str()) {
        ("token", Some("operator")) => "an operator's token",
        ("token", Some("provider")) => "the provider's or an operator's token",
        ("token", _) => "any token",
        ("service_key", _) => "the service key",
        ("account_token", _) => "the account's token",
        _ => "another credential",
    }
}

impl Field {
    fn param(param: &Value) -> Self {
        Self {
            name: text(&param["name"]),
            place: text(&param["in"]),
            kind: Kind::new(&param["schema"]),
            is_required: param["required"] == true,
            description: text(&param["description"]),
        }
    }

    fn says_more_than_the_path(&self) -> bool {
        self.place != "path" || !self.description.is_empty()
    }
}

impl Schema {
    fn new(name: &str, schema: &Value) -> Self {
        let required = list(&schema["required"]);
        let fields = members(&schema["properties"]).map(|(name, property)| Field {
            name: name.to_owned(),
            place: String::new(),
            kind: Kind::new(property),
            is_required: required.iter().any(|required| required == name),
            description: text(&property["description"]),
        });
        Self {
            name: name.to_owned(),
            description: text(&schema["description"]),
            fields: fields.collect(),
        }
    }
}

impl Content {
    fn new(body: &Value) -> Option<Self> {
        let (media_type, content) = members(&body["content"]).next()?;
        Some(Self { media_type: media_type.to_owned(), kind: Kind::new(&content["schema"]) })
    }
}

impl Kind {
    fn new(schema: &Value) -> Self {
        if let Some(path) = schema["$ref"].as_str() {
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            return Self { text: name.clone(), schema: Some(name) };
        }
        let names = match &schema["type"] {
            Value::String(name) => vec![name.as_str()],
            names => list(names).iter().filter_map(Value::as_str).collect(),
        };
        if names == ["array"] {
            let Self { text, schema } = Self::new(&schema["items"]);
            return Self { text: format!("list of {text}"), schema };
        }
        Self { text: names.join(" or "), schema: None }
    }
}

/// A text cut at its back quotes: every second part is code.
fn pieces(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.split('`').enumerate().map(|(index, piece)| (index % 2 == 1, piece))
}

fn members(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn list(array: &Value) -> &[Value] {
    array.as_array().map_or(&[], Vec::as_slice)
}

fn text(string: &Value) -> String {
    string.as_str().unwrap_or_default().to_owned()
}
