//! Where an answer stands inside a resource.
//!
//! A path is element names between dots. `name[use=usual]` is the item of a list in which these elements have these
//! values, and is made when it is not there; `given[]` is the first of a list of primitives. The last name is the element
//! itself. A primitive keeps its extensions in a sibling with an underscore, as FHIR's JSON wants it.

use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// What stands at a path: the element's value, if it has one, and its extensions.
#[derive(Default)]
pub(super) struct Element {
    pub(super) value: Option<Value>,
    pub(super) extension: Vec<Value>,
}

/// Puts an element at a path. An element without value and extensions is not put.
pub(super) fn put(resource: &mut Object, path: &str, element: Element) {
    let (parents, last) = split(path);
    let parent = parents.iter().fold(resource, |parent, step| enter(parent, step));
    put_here(parent, last, element);
}

fn put_here(parent: &mut Object, name: &str, element: Element) {
    let listed = name.strip_suffix("[]");
    let name = listed.unwrap_or(name);
    let in_list = |value: Value| if listed.is_some() { json!([value]) } else { value };
    match element.value {
        Some(Value::Object(mut complex)) => {
            extend(&mut complex, element.extension);
            parent.insert(name.to_owned(), in_list(Value::Object(complex)));
        }
        value => {
            if let Some(value) = value {
                parent.insert(name.to_owned(), in_list(value));
            }
            if !element.extension.is_empty() {
                let beside = in_list(json!({ "extension": element.extension }));
                parent.insert(format!("_{name}"), beside);
            }
        }
    }
}

/// Adds extensions to a complex element or a resource.
pub(super) fn extend(complex: &mut Object, extensions: Vec<Value>) {
    if extensions.is_empty() {
        return;
    }
    let entry = complex.entry("extension").or_insert_with(|| json!([]));
    if let Value::Array(there) = entry {
        there.extend(extensions);
    }
}

/// What stands at a path; nothing when there is no such element.
pub(super) fn get(resource: &Value, path: &str) -> Option<Element> {
    let (parents, last) = split(path);
    let parent = parents.iter().try_fold(resource, |parent, step| find(parent, step))?;
    let (name, listed) = last.strip_suffix("[]").map_or((last, false), |name| (name, true));
    let at = |name: &str| {
        let value = parent.get(name)?;
        if listed { value.get(0) } else { Some(value) }
    };
    let value = at(name).filter(|value| !value.is_null());
    let beside = at(&format!("_{name}"));
    if value.is_none() && beside.is_none() {
        return None;
    }
    let extensions = |holder: Option<&Value>| -> Vec<Value> {
        holder.and_then(|holder| holder["extension"].as_array()).cloned().unwrap_or_default()
    };
    let extension = match value {
        Some(complex @ Value::Object(_)) => extensions(Some(complex)),
        _ => extensions(beside),
    };
    Some(Element { value: value.cloned(), extension })
}

fn enter<'a>(parent: &'a mut Object, step: &str) -> &'a mut Object {
    let (name, wanted) = selector(step);
    let slot = parent.entry(name).or_insert(Value::Null);
    if step.ends_with(']') {
        let mut list = std::mem::take(slot).as_array().cloned().unwrap_or_default();
        let at = list.iter().position(|item| fits(item, &wanted)).unwrap_or_else(|| {
            list.push(Value::Object(wanted.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()));
            list.len() - 1
        });
        *slot = Value::Array(list);
        return slot[at].as_object_mut().expect("made as an object, or one that fits");
    }
    if !slot.is_object() {
        *slot = json!({});
    }
    slot.as_object_mut().expect("made so above")
}

fn find<'a>(parent: &'a Value, step: &str) -> Option<&'a Value> {
    let (name, wanted) = selector(step);
    let value = parent.get(name)?;
    if step.ends_with(']') { value.as_array()?.iter().find(|item| fits(item, &wanted)) } else { Some(value) }
}

fn fits(item: &Value, wanted: &[(&str, Value)]) -> bool {
    item.is_object() && wanted.iter().all(|(name, value)| item.get(name) == Some(value))
}

/// `telecom[system=phone,rank=1]` is the name and what its item has.
fn selector(step: &str) -> (&str, Vec<(&str, Value)>) {
    let Some((name, wanted)) = step.strip_suffix(']').and_then(|step| step.split_once('[')) else {
        return (step, Vec::new());
    };
    let wanted = wanted.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name, value.parse::<u64>().map_or_else(|_| Value::from(value), Value::from)))
    });
    (name, wanted.collect())
}

/// The steps before the last, and the last. Dots between brackets part nothing.
fn split(path: &str) -> (Vec<&str>, &str) {
    let mut steps = Vec::new();
    let (mut from, mut depth) = (0, 0_usize);
    for (at, c) in path.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => {
                steps.push(&path[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    (steps, &path[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_found_where_fhir_has_it() {
        let mut resource = Object::new();
        let element = |value: Option<Value>, extension: Vec<Value>| Element { value, extension };
        let note = json!({ "url": "urn:x", "valueString": "y" });
        put(&mut resource, "name[use=usual].family", element(Some("Smith".into()), vec![note.clone()]));
        put(&mut resource, "name[use=usual].given[]", element(Some("Jane".into()), vec![note.clone()]));
        put(&mut resource, "telecom[system=phone,rank=1].value", element(None, vec![note.clone()]));
        put(
            &mut resource,
            "extension[url=http://a.b/c].valueCodeableConcept",
            element(Some(json!({ "text": "t" })), vec![note.clone()]),
        );
        assert_eq!(
            Value::Object(resource.clone()),
            json!({
                "name": [{
                    "use": "usual",
                    "family": "Smith", "_family": { "extension": [note] },
                    "given": ["Jane"], "_given": [{ "extension": [note] }],
                }],
                "telecom": [{ "system": "phone", "rank": 1, "_value": { "extension": [note] } }],
                "extension": [{
                    "url": "http://a.b/c", "valueCodeableConcept": { "text": "t", "extension": [note] },
                }],
            })
        );
        let resource = Value::Object(resource);
        let given = get(&resource, "name[use=usual].given[]").unwrap();
        assert_eq!((given.value, given.extension.len()), (Some("Jane".into()), 1));
        assert!(get(&resource, "telecom[system=phone,rank=1].value").unwrap().value.is_none());
        assert!(get(&resource, "telecom[system=phone,rank=2].value").is_none());
    }
}
