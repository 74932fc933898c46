//! What has to hold when everything runs again and is level.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{
    Report,
    device::{Device, Trace},
};

/// What was found last.
#[derive(Default)]
pub(crate) struct Account {
    unsure_there: usize,
    documents: u64,
}

impl Account {
    /// Syncs all stores until they are level and looks at them.
    ///
    /// # Errors
    /// When they are not equal, or anything is lost, doubled, refused or damaged.
    pub(crate) fn level(&mut self, devices: &mut [Device], dir: &Path) -> anyhow::Result<()> {
        // The first round sends what waits, the second fetches what others sent after the first.
        for _ in 0..2 {
            for device in devices.iter_mut() {
                device.settle()?;
            }
        }
        let mut first: Option<Value> = None;
        for device in devices.iter() {
            let digest = device.left_alone(&["digest"])?;
            let same = first.get_or_insert_with(|| digest.clone());
            ensure!(*same == digest, "{} has digest {digest}, the first store {same}", device.name());
            device.left_alone(&["doctor"]).context("the doctor finds something")?;
            let refused = device.left_alone(&["rejected", "list"])?;
            ensure!(refused == Value::Array(Vec::new()), "{}: edits were refused: {refused}", device.name());
        }
        self.documents = first.and_then(|digest| digest["documents"].as_u64()).unwrap_or(0);
        if let Some(device) = devices.first() {
            let exported = dir.join("export");
            if exported.exists() {
                std::fs::remove_dir_all(&exported)?;
            }
            device.left_alone(&["export", &exported.display().to_string()])?;
            let found = Found::read(&exported.join("tickets.jsonl"))?;
            self.unsure_there = found.check(devices)?;
        }
        Ok(())
    }

    /// Adds what is known at the end.
    pub(crate) fn report(&self, devices: &[Device], report: &mut Report) {
        report.documents = self.documents;
        report.unsure_there = self.unsure_there;
        report.imported = devices.iter().map(|device| device.imported.len()).sum();
        report.edits = devices.iter().flat_map(|device| &device.edits).filter(|edit| edit.done).count();
        report.unsure = devices.iter().flat_map(|device| &device.edits).filter(|edit| !edit.done).count();
    }
}

/// How often each text stands in the tickets.
#[derive(Default)]
struct Found {
    titles: HashMap<String, usize>,
    comments: HashMap<String, usize>,
    custom: HashMap<String, usize>,
}

impl Found {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let mut found = Self::default();
        let lines = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        for line in lines.lines() {
            let ticket: Value = serde_json::from_str(line)?;
            let count = |counts: &mut HashMap<String, usize>, text: &Value| {
                if let Some(text) = text.as_str() {
                    *counts.entry(text.to_owned()).or_default() += 1;
                }
            };
            count(&mut found.titles, &ticket["title"]);
            for comment in ticket["comments"].as_array().into_iter().flatten() {
                count(&mut found.comments, &comment["body"]);
            }
            for key in ticket["custom"].as_object().into_iter().flat_map(serde_json::Map::keys) {
                *found.custom.entry(key.clone()).or_default() += 1;
            }
        }
        Ok(found)
    }

    /// Checks every edit; how many of those whose command was killed are there.
    fn check(&self, devices: &[Device]) -> anyhow::Result<usize> {
        let mut unsure_there = 0;
        for device in devices {
            for edit in &device.edits {
                let times = match &edit.trace {
                    Trace::Title(text) => self.titles.get(text),
                    Trace::Comment(text) => self.comments.get(text),
                    Trace::Custom(text) => self.custom.get(text),
                };
                let times = times.copied().unwrap_or(0);
                let fine = if edit.done { times == 1 } else { times <= 1 };
                ensure!(
                    fine,
                    "{}: {:?} is there {times} times, done: {}",
                    device.name(),
                    edit.trace,
                    edit.done
                );
                unsure_there += if edit.done { 0 } else { times };
            }
            for title in &device.imported {
                let times = self.titles.get(title).copied().unwrap_or(0);
                ensure!(times == 1, "{}: the imported {title:?} is there {times} times", device.name());
            }
        }
        Ok(unsure_there)
    }
}
