//! What stands in a document now, found in one pass over it.
//!
//! Automerge's own `hydrate` seeks every map anew and copies each key, value and operation id. A pass goes by each
//! operation once, and what it finds borrows from the document.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use automerge::{
    AutoCommit, ObjType, ROOT, ReadDoc, ScalarValueRef, ValueRef,
    iter::{DocItem, DocObjItem},
};

/// The maps and texts of a document.
pub(crate) struct Tree<'a> {
    /// The root is the first.
    maps: Vec<Vec<Entry<'a>>>,
    texts: Vec<String>,
}

/// What stands at a key of a map.
struct Entry<'a> {
    key: Cow<'a, str>,
    /// Several values were written concurrently; this is the one that all devices show.
    conflict: bool,
    node: Node<'a>,
}

/// A value.
enum Node<'a> {
    Scalar(ScalarValueRef<'a>),
    Object(Place),
}

/// Where an object's content is.
#[derive(Clone, Copy)]
enum Place {
    Map(usize),
    Text(usize),
    /// No document of ours has one.
    List,
}

/// A value as its reader takes it.
pub(crate) enum Found<'a> {
    Scalar(&'a ScalarValueRef<'a>),
    Map(Map<'a>),
    Text(&'a str),
    List,
}

/// A map with the tree that it is of.
#[derive(Clone, Copy)]
pub(crate) struct Map<'a> {
    tree: &'a Tree<'a>,
    entries: &'a [Entry<'a>],
}

impl<'a> Tree<'a> {
    pub(crate) fn of(doc: &'a AutoCommit) -> Self {
        let mut tree = Self { maps: vec![Vec::new()], texts: Vec::new() };
        // Parents come before their children, and what is in one object together.
        let mut places = HashMap::from([(ROOT, Place::Map(0))]);
        let mut within = Arc::new(ROOT);
        let mut place = Place::Map(0);
        for DocObjItem { obj, item } in doc.iter() {
            if !Arc::ptr_eq(&obj, &within) {
                place = places.get(obj.as_ref()).copied().unwrap_or(Place::List);
                within = obj;
            }
            match (place, item) {
                (Place::Map(map), DocItem::Map(item)) => {
                    let node = match &item.value {
                        ValueRef::Scalar(scalar) => Node::Scalar(scalar.clone()),
                        ValueRef::Object(kind) => {
                            let place = tree.open(*kind);
                            places.insert(item.id(), place);
                            Node::Object(place)
                        }
                    };
                    tree.maps[map].push(Entry { key: item.key, conflict: item.conflict, node });
                }
                (Place::Text(text), DocItem::Text(span)) => tree.texts[text].push_str(span.as_str()),
                (Place::Map(_) | Place::Text(_) | Place::List, _) => {}
            }
        }
        tree
    }

    /// Room for what is in an object; it stays empty when nothing is.
    fn open(&mut self, kind: ObjType) -> Place {
        match kind {
            ObjType::Map => {
                self.maps.push(Vec::new());
                Place::Map(self.maps.len() - 1)
            }
            ObjType::Text => {
                self.texts.push(String::new());
                Place::Text(self.texts.len() - 1)
            }
            ObjType::List | ObjType::Table => Place::List,
        }
    }

    pub(crate) fn root(&'a self) -> Map<'a> {
        self.map(0)
    }

    fn map(&'a self, index: usize) -> Map<'a> {
        Map { tree: self, entries: &self.maps[index] }
    }
}

impl<'a> Map<'a> {
    pub(crate) fn get(&self, key: &str) -> Option<Found<'a>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(self.found(entry))
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a str, Found<'a>)> {
        self.entries.iter().map(move |entry| (entry.key.as_ref(), self.found(entry)))
    }

    /// Keys whose values were written concurrently.
    pub(crate) fn conflicted(self) -> impl Iterator<Item = &'a str> {
        self.entries.iter().filter(|entry| entry.conflict).map(|entry| entry.key.as_ref())
    }

    fn found(&self, entry: &'a Entry<'a>) -> Found<'a> {
        match &entry.node {
            Node::Scalar(scalar) => Found::Scalar(scalar),
            Node::Object(Place::Map(map)) => Found::Map(self.tree.map(*map)),
            Node::Object(Place::Text(text)) => Found::Text(&self.tree.texts[*text]),
            Node::Object(Place::List) => Found::List,
        }
    }
}

#[cfg(test)]
mod tests {
    use automerge::{
        ActorId, ObjId, ScalarValue, Value,
        hydrate::{self, Value as Hydrated},
        transaction::Transactable,
    };
    use proptest::prelude::*;

    use super::*;

    /// What somebody does to a document that three people share.
    #[derive(Clone, Debug)]
    enum Step {
        Put { key: u8, value: i64 },
        Text { key: u8, text: String },
        Make { key: u8, kind: u8 },
        Within { key: u8, inner: u8, value: i64 },
        Type { key: u8, text: String },
        Delete { key: u8 },
        Merge { with: usize },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u8..6, any::<i64>()).prop_map(|(key, value)| Step::Put { key, value }),
            (0_u8..6, "[a-zа-я]{0,8}").prop_map(|(key, text)| Step::Text { key, text }),
            (0_u8..6, 0_u8..3).prop_map(|(key, kind)| Step::Make { key, kind }),
            (0_u8..6, 0_u8..4, any::<i64>()).prop_map(|(key, inner, value)| Step::Within {
                key,
                inner,
                value
            }),
            (0_u8..6, "[a-zа-я👍]{0,8}").prop_map(|(key, text)| Step::Type { key, text }),
            (0_u8..6).prop_map(|key| Step::Delete { key }),
            (0_usize..3).prop_map(|with| Step::Merge { with }),
        ]
    }

    fn object(doc: &AutoCommit, key: &str) -> Option<(ObjType, ObjId)> {
        match doc.get(ROOT, key) {
            Ok(Some((Value::Object(kind), object))) => Some((kind, object)),
            Ok(Some((Value::Scalar(_), _)) | None) | Err(_) => None,
        }
    }

    fn act(docs: &mut [AutoCommit], who: usize, step: &Step) {
        if let Step::Merge { with } = step {
            let mut other = docs[*with].clone();
            docs[who].merge(&mut other).unwrap();
            return;
        }
        let doc = &mut docs[who];
        let name = |key: &u8| format!("k{key}");
        match step {
            Step::Put { key, value } => doc.put(ROOT, name(key), *value).unwrap(),
            Step::Text { key, text } => doc.put(ROOT, name(key), text.as_str()).unwrap(),
            Step::Make { key, kind } => {
                let kind = [ObjType::Map, ObjType::Text, ObjType::List][usize::from(*kind)];
                doc.put_object(ROOT, name(key), kind).unwrap();
            }
            Step::Within { key, inner, value } => match object(doc, &name(key)) {
                Some((ObjType::Map, map)) if *inner == 0 => {
                    let entry = doc.put_object(&map, format!("e{value}"), ObjType::Map).unwrap();
                    doc.put(&entry, "at", ScalarValue::Timestamp(*value)).unwrap();
                }
                Some((ObjType::Map, map)) => doc.put(&map, format!("i{inner}"), *value).unwrap(),
                Some((ObjType::List, list)) => doc.insert(&list, 0, *value).unwrap(),
                Some(_) | None => {}
            },
            Step::Type { key, text } => {
                if let Some((ObjType::Text, object)) = object(doc, &name(key)) {
                    doc.splice_text(&object, 0, 0, text).unwrap();
                }
            }
            Step::Delete { key } => doc.delete(ROOT, name(key)).unwrap(),
            Step::Merge { .. } => {}
        }
        doc.commit();
    }

    /// The same as text, by key.
    fn told(map: Map<'_>) -> Vec<String> {
        let mut told: Vec<String> = map
            .iter()
            .map(|(key, found)| {
                let value = match found {
                    Found::Scalar(scalar) => format!("{:?}", ScalarValue::from(scalar.clone())),
                    Found::Map(map) => format!("{:?}", told(map)),
                    Found::Text(text) => format!("text {text}"),
                    Found::List => "list".to_owned(),
                };
                let conflict = map.conflicted().any(|conflicted| conflicted == key);
                format!("{key} {conflict} {value}")
            })
            .collect();
        told.sort();
        told
    }

    fn hydrated(map: &hydrate::Map) -> Vec<String> {
        let mut told: Vec<String> = map
            .iter()
            .map(|(key, entry)| {
                let value = match &entry.value {
                    Hydrated::Scalar(scalar) => format!("{scalar:?}"),
                    Hydrated::Map(map) => format!("{:?}", hydrated(map)),
                    Hydrated::Text(text) => format!("text {text}"),
                    Hydrated::List(_) => "list".to_owned(),
                };
                format!("{key} {} {value}", entry.conflict)
            })
            .collect();
        told.sort();
        told
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_automerge_finds(steps in proptest::collection::vec((0_usize..3, step()), 1..40)) {
            let mut docs: Vec<AutoCommit> = (1_u8..4)
                .map(|actor| AutoCommit::new().with_actor(ActorId::from(vec![actor; 16])))
                .collect();
            for (who, step) in &steps {
                act(&mut docs, *who, step);
            }
            for doc in &docs {
                let Ok(Hydrated::Map(root)) = doc.hydrate(ROOT, None) else { panic!("no root") };
                prop_assert_eq!(told(Tree::of(doc).root()), hydrated(&root));
            }
        }
    }
}
