//! Holding replies against the OpenAPI document.

use std::sync::LazyLock;

use serde_json::Value;

use crate::client::Reply;

pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&server::openapi_json()).unwrap());

/// Cut up once: every reply is held against it.
static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(endpoints);

/// An endpoint of the document.
pub(crate) struct Endpoint {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) operation: Value,
}

/// All of them.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap().clone().into_iter();
        let endpoint = |(method, operation): (String, Value)| Endpoint {
            method: method.to_uppercase(),
            path: path.clone(),
            operation,
        };
        operations.map(endpoint).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

fn fits(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap();
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(template, part)| template == part || template.starts_with('{'))
}

/// That the API's description allows this reply. What it does not describe is not checked.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, reply: &Reply) {
    let request_id = reply.header("request-id").unwrap_or_default();
    assert!(request_id.starts_with("req_") && request_id.len() == 30, "{reply:?}");
    let method = if method == "HEAD" { "GET" } else { method };
    let known = ENDPOINTS.iter().find(|known| known.method == method && fits(&known.path, path));
    let Some(endpoint) = known else { return };
    if reply.header("content-length") == Some("0") || reply.body.is_empty() {
        return;
    }
    let documented = &endpoint.operation["responses"][reply.status.to_string()];
    assert!(documented.is_object(), "{method} {path}: {} is not documented: {}", reply.status, reply.text());
    let content_type = reply.header("content-type").unwrap().split(';').next().unwrap();
    let content = &documented["content"][content_type];
    assert!(content.is_object(), "{method} {path}: {content_type} is not documented");
    if ["text/plain", "text/csv", "text/event-stream", "application/pdf"].contains(&content_type) {
        return;
    }
    let body = reply.json();
    if let Err(reason) = valid(&content["schema"], &body) {
        panic!("{method} {path}: {reason} in {body:#}");
    }
    if content_type == "application/problem+json" {
        let code = body["code"].as_str().unwrap();
        assert!(content["examples"][code].is_object(), "{method} {path}: {code} is not documented");
        assert_eq!(body["request_id"], request_id);
        assert_eq!(
            (body["status"].as_u64(), &body["type"]),
            (Some(u64::from(reply.status)), &Value::from(format!("urn:tapstone:problem:{code}")),)
        );
    }
}

/// That the API's description allows this event.
pub(crate) fn check_event(event: &Value) {
    let line = &DOCUMENT["components"]["schemas"]["StreamedEvent"]["properties"]["data"];
    if let Err(reason) = valid(&line["contentSchema"], event) {
        panic!("{reason} in {event:#}");
    }
}

/// The part of JSON Schema that the document uses. Stricter in one thing: an object has no undescribed members.
fn valid(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return valid(DOCUMENT.pointer(pointer).unwrap_or_else(|| panic!("{reference} is dangling")), value);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let reasons: Vec<_> = choices.iter().filter_map(|schema| valid(schema, value).err()).collect();
            return if reasons.len() < choices.len() { Ok(()) } else { Err(reasons.join(", or ")) };
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return valid(&merged(parts), value);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|allowed| allowed == kind),
        allowed => allowed == kind,
    };
    if !allowed {
        return Err(format!("{value} is not {}", schema["type"]));
    }
    if let Some(names) = schema["enum"].as_array()
        && !names.contains(value)
    {
        return Err(format!("{value} is not one of {names:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        valid(&schema["items"], item)?;
    }
    let Some(members) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, member) in members {
        let others = &schema["additionalProperties"];
        if schema["properties"].get(name).is_none() && *others == true {
            continue;
        }
        let described = schema["properties"].get(name).or_else(|| Some(others).filter(|others| others.is_object()));
        let described = described.ok_or_else(|| format!("{name} is not described"))?;
        valid(described, member).map_err(|reason| format!("{name}: {reason}"))?;
    }
    Ok(())
}

/// One object schema of several.
fn merged(parts: &[Value]) -> Value {
    let mut whole = serde_json::json!({ "type": "object", "properties": {}, "required": [] });
    for part in parts {
        let part = match part["$ref"].as_str() {
            Some(reference) => DOCUMENT.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => part,
        };
        let part = match part["allOf"].as_array() {
            Some(parts) => merged(parts),
            None => part.clone(),
        };
        let properties = part["properties"].as_object().cloned().unwrap_or_default();
        whole["properties"].as_object_mut().unwrap().extend(properties);
        let required = part["required"].as_array().cloned().unwrap_or_default();
        whole["required"].as_array_mut().unwrap().extend(required);
    }
    whole
}
