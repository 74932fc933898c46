//! The dependency arrows of DESIGN.md §2, checked against what Cargo resolved.
//!
//! Two arrows are not on that page, and in ARCHITECTURE.md: `desk-store` and `desk-app` answer in the words of `desk-api`.
//!
//! Dev-dependencies are free: a test may stand above what it tests.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::cargo::{cargo, output};
use crate::progress;
use crate::project::Project;

/// Which crates of the workspace each one may depend on. One that is not listed here is an error, too.
const ARROWS: [(&str, &[&str]); 15] = [
    ("desk-domain", &[]),
    ("desk-api", &["desk-domain"]),
    ("desk-docs", &["desk-domain"]),
    ("desk-sync", &["desk-docs", "desk-domain"]),
    ("desk-store", &["desk-api", "desk-docs", "desk-domain"]),
    ("desk-app", &["desk-store", "desk-sync", "desk-docs", "desk-api", "desk-domain"]),
    ("workernet-desk", &["desk-app", "desk-api", "desk-domain"]),
    ("desk-cli", &["desk-app", "desk-api", "desk-domain"]),
    ("workernet-server", &["desk-docs", "desk-api", "desk-sync", "desk-domain"]),
    ("desk-ui", &["desk-api", "desk-domain"]),
    ("desk-harness", &[]),
    ("desk-crash", &["desk-harness", "desk-app", "desk-api", "desk-domain"]),
    ("desk-simulation", &["workernet-server", "desk-app", "desk-sync", "desk-docs", "desk-domain"]),
    ("desk-month", &["desk-docs", "desk-domain"]),
    ("xtask", &["desk-harness"]),
];

/// Crates that do no I/O, and what they must not even reach.
const PURE: [&str; 4] = ["desk-domain", "desk-api", "desk-docs", "desk-sync"];
const IMPURE: [&str; 4] = ["tokio", "sqlx", "reqwest", "tauri"];

/// Checks the workspace and lists every arrow that points the wrong way.
pub(crate) fn check(project: &Project) -> anyhow::Result<()> {
    let metadata = output(cargo(project).args(["metadata", "--format-version", "1"]))?;
    let graph = Graph::from_metadata(&metadata)?;
    let wrong = wrong_arrows(&graph);
    if !wrong.is_empty() {
        bail!("dependencies point the wrong way (ARCHITECTURE.md):\n  {}", wrong.join("\n  "));
    }
    progress::note(&format!("{} crates, every arrow as ARCHITECTURE.md has it", graph.members.len()));
    Ok(())
}

/// Who depends on whom, dev-dependencies left out.
#[derive(Debug, Default)]
struct Graph {
    /// The workspace's own packages, by name.
    members: BTreeMap<String, String>,
    /// Each package's name by its id.
    names: BTreeMap<String, String>,
    /// Ids of what each package depends on, by id.
    edges: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn from_metadata(json: &str) -> anyhow::Result<Self> {
        let metadata: Metadata =
            serde_json::from_str(json).context("`cargo metadata` has an unknown format")?;
        let names: BTreeMap<String, String> =
            metadata.packages.into_iter().map(|package| (package.id, package.name)).collect();
        let members = metadata
            .workspace_members
            .into_iter()
            .filter_map(|id| Some((names.get(&id)?.clone(), id)))
            .collect();
        let edges = metadata
            .resolve
            .nodes
            .into_iter()
            .map(|node| {
                let shipped = |dependency: &Dependency| {
                    dependency.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"))
                };
                let to = node.deps.into_iter().filter(shipped).map(|dependency| dependency.pkg).collect();
                (node.id, to)
            })
            .collect();
        Ok(Self { members, names, edges })
    }

    fn name<'graph>(&'graph self, id: &'graph str) -> &'graph str {
        self.names.get(id).map_or(id, String::as_str)
    }

    fn dependencies<'graph>(&'graph self, id: &str) -> impl Iterator<Item = &'graph str> + use<'graph> {
        self.edges.get(id).into_iter().flatten().map(String::as_str)
    }

    /// A shortest way from one package to another with one of these names, as names.
    fn way_to<'graph>(&'graph self, from: &'graph str, names: &[&str]) -> Option<Vec<&'graph str>> {
        let mut ways = vec![vec![from]];
        let mut seen = BTreeSet::from([from]);
        let mut next = 0;
        while let Some(way) = ways.get(next).cloned() {
            let end = way.last().copied()?;
            if next > 0 && names.contains(&self.name(end)) {
                return Some(way.into_iter().map(|id| self.name(id)).collect());
            }
            for to in self.edges.get(end).into_iter().flatten() {
                if seen.insert(to) {
                    let mut longer = way.clone();
                    longer.push(to);
                    ways.push(longer);
                }
            }
            next += 1;
        }
        None
    }
}

/// Every arrow that must not be, as a sentence each.
fn wrong_arrows(graph: &Graph) -> Vec<String> {
    let mut wrong = Vec::new();
    for (member, id) in &graph.members {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| name == member) else {
            wrong.push(format!("{member} has no place in xtask/src/arrows.rs; give it one"));
            continue;
        };
        for dependency in graph.dependencies(id) {
            let name = graph.name(dependency);
            if graph.members.contains_key(name) && !allowed.contains(&name) {
                wrong.push(format!("{member} must not depend on {name}"));
            }
        }
        if PURE.contains(&member.as_str())
            && let Some(way) = graph.way_to(id, &IMPURE)
        {
            wrong.push(format!("{member} must not reach I/O: {}", way.join(" → ")));
        }
    }
    wrong
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo metadata` of a workspace whose first `members` packages are its own; arrows are `(from, to, kind)`.
    fn check(packages: &[&str], members: usize, arrows: &[(&str, &str, Option<&str>)]) -> Vec<String> {
        let nodes: Vec<_> = packages
            .iter()
            .map(|package| {
                let deps: Vec<_> = arrows
                    .iter()
                    .filter(|(from, ..)| from == package)
                    .map(|(_, to, kind)| {
                        serde_json::json!({ "pkg": format!("id of {to}"), "dep_kinds": [{ "kind": kind }] })
                    })
                    .collect();
                serde_json::json!({ "id": format!("id of {package}"), "deps": deps })
            })
            .collect();
        let metadata = serde_json::json!({
            "packages": packages.iter()
                .map(|name| serde_json::json!({ "id": format!("id of {name}"), "name": name }))
                .collect::<Vec<_>>(),
            "workspace_members": packages.iter().take(members)
                .map(|name| format!("id of {name}"))
                .collect::<Vec<_>>(),
            "resolve": { "nodes": nodes },
        });
        wrong_arrows(&Graph::from_metadata(&metadata.to_string()).unwrap())
    }

    #[test]
    fn arrows_that_point_down_are_fine() {
        let wrong = check(
            &["desk-domain", "desk-docs", "desk-store", "sqlx"],
            3,
            &[
                ("desk-docs", "desk-domain", None),
                ("desk-store", "desk-docs", None),
                ("desk-store", "sqlx", None),
            ],
        );
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        let wrong = check(&["desk-domain", "desk-docs"], 2, &[("desk-domain", "desk-docs", None)]);
        assert_eq!(wrong, ["desk-domain must not depend on desk-docs"]);
    }

    #[test]
    fn a_build_dependency_is_an_arrow_too() {
        let wrong = check(&["desk-ui", "desk-store"], 2, &[("desk-ui", "desk-store", Some("build"))]);
        assert_eq!(wrong, ["desk-ui must not depend on desk-store"]);
    }

    #[test]
    fn io_is_found_through_other_crates() {
        let wrong = check(
            &["desk-sync", "middle", "tokio"],
            1,
            &[("desk-sync", "middle", None), ("middle", "tokio", None)],
        );
        assert_eq!(wrong, ["desk-sync must not reach I/O: desk-sync → middle → tokio"]);
    }

    #[test]
    fn tests_may_use_what_they_like() {
        let wrong = check(&["desk-docs", "tokio"], 1, &[("desk-docs", "tokio", Some("dev"))]);
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        let wrong = check(&["desk-misc"], 1, &[]);
        assert_eq!(wrong, ["desk-misc has no place in xtask/src/arrows.rs; give it one"]);
    }
}
