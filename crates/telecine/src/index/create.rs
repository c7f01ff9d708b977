//! Making an index: what may be asked for, in the names of any version.

use std::collections::BTreeSet;

use super::{EngineSpec, Family, Index, ModelOption};
use crate::app::App;
use crate::fault::{Fault, Result};
use crate::ids::{IndexId, WorkspaceId};

const NAME_LENGTH: usize = 128;
const THUMBNAIL: &str = "thumbnail";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRequest {
    /// Unique within the workspace.
    pub name: String,
    /// One or two, of different families.
    pub engines: Vec<EngineRequest>,
    /// `thumbnail`, or nothing.
    pub addons: Vec<String>,
}

/// An engine that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineRequest {
    /// Such as `marengo2.6`.
    pub name: String,
    /// In the names of a version.
    pub options: Vec<String>,
    /// Whether the version is 1.3, whose `visual` takes in the text that is seen.
    pub is_v1_3: bool,
}

/// Makes an index.
///
/// # Errors
/// `parameter_invalid` for what no index can be, `index_name_already_exists`.
pub async fn create(app: &App, workspace: WorkspaceId, request: &IndexRequest) -> Result<Index> {
    check_name(&request.name)?;
    let engines = specs(&request.engines)?;
    let addons = addons(&request.addons, &engines)?;
    let now = app.clock.now();
    let index = Index {
        id: IndexId::generate(now),
        workspace,
        name: request.name.clone(),
        engines,
        addons,
        models: app.engines.models(),
        created_at: now,
        updated_at: now,
    };
    app.store.insert_index(&index).await?;
    Ok(index)
}

/// Refuses a name that people could not read or tell apart.
///
/// # Errors
/// `parameter_invalid`.
pub fn check_name(name: &str) -> Result<(), Fault> {
    let is_name = (1..=NAME_LENGTH).contains(&name.chars().count())
        && name.trim() == name
        && !name.contains(char::is_control);
    if is_name {
        return Ok(());
    }
    Err(Fault::parameter("The index_name parameter is not a name.")
        .value(name.chars().take(NAME_LENGTH).collect::<String>().escape_debug().to_string())
        .rule(format!(
            "1 to {NAME_LENGTH} characters, none of them a control character, no space at either end"
        )))
}

fn specs(requests: &[EngineRequest]) -> Result<Vec<EngineSpec>, Fault> {
    if requests.is_empty() {
        return Err(Fault::parameter("An index needs an engine.").rule("one or two engines"));
    }
    let mut families = BTreeSet::new();
    let mut engines = Vec::new();
    for request in requests {
        let family = Family::of(&request.name).ok_or_else(|| {
            Fault::parameter("There is no such engine.")
                .value(shown(&request.name))
                .rule("marengo or pegasus with a version, such as marengo2.6 or pegasus1.1")
        })?;
        if !families.insert(family) {
            return Err(Fault::parameter("An index has at most one engine of a family.")
                .value(shown(&request.name))
                .rule("at most one marengo and one pegasus engine"));
        }
        engines.push(EngineSpec { name: request.name.clone(), options: options(request, family)? });
    }
    Ok(engines)
}

fn options(request: &EngineRequest, family: Family) -> Result<BTreeSet<ModelOption>, Fault> {
    let name = &request.name;
    if request.options.is_empty() {
        return Err(Fault::parameter(format!("The engine {name} needs at least one option."))
            .rule(rule(family, request.is_v1_3)));
    }
    let mut given = BTreeSet::new();
    let mut options = BTreeSet::new();
    for option in &request.options {
        if !given.insert(option) {
            let fault = Fault::parameter(format!("An option of the engine {name} is given twice."));
            return Err(fault.value(shown(option)));
        }
        // What pegasus sees is never searched, so the text in it is none of its options.
        let takes_text = request.is_v1_3 && family == Family::Marengo;
        let known = ModelOption::parse(option, takes_text)
            .filter(|known| family == Family::Marengo || !known.contains(&ModelOption::TextInVideo));
        let known = known.ok_or_else(|| {
            let message = if option == "logo" {
                "Logos cannot be recognised here.".to_owned()
            } else {
                format!("The engine {name} has no such option.")
            };
            Fault::parameter(message).value(shown(option)).rule(rule(family, request.is_v1_3))
        })?;
        options.extend(known.iter().copied());
    }
    Ok(options)
}

fn rule(family: Family, is_v1_3: bool) -> &'static str {
    match (family, is_v1_3) {
        (Family::Marengo, false) => "options of marengo: visual, conversation, text_in_video",
        (Family::Marengo, true) => "options of marengo: visual, audio",
        (Family::Pegasus, false) => "options of pegasus: visual, conversation",
        (Family::Pegasus, true) => "options of pegasus: visual, audio",
    }
}

fn addons(requests: &[String], engines: &[EngineSpec]) -> Result<Vec<String>, Fault> {
    let [first, rest @ ..] = requests else { return Ok(Vec::new()) };
    if first != THUMBNAIL || !rest.is_empty() {
        return Err(Fault::parameter("The addons parameter is not one that is known.")
            .value(shown(&requests.join(", ")))
            .rule("`thumbnail`, once"));
    }
    if !engines.iter().any(|engine| Family::of(&engine.name) == Some(Family::Marengo)) {
        return Err(Fault::parameter("The addon thumbnail needs a marengo engine.")
            .rule("addons belong to marengo engines"));
    }
    Ok(vec![THUMBNAIL.to_owned()])
}

fn shown(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(name: &str, options: &[&str], is_v1_3: bool) -> EngineRequest {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        EngineRequest { name: name.to_owned(), options, is_v1_3 }
    }

    fn options_of(request: EngineRequest) -> Vec<ModelOption> {
        specs(&[request]).unwrap().remove(0).options.into_iter().collect()
    }

    #[test]
    fn options_are_understood_in_the_names_of_every_version() {
        use ModelOption::{Conversation, TextInVideo, Visual};
        let old = ["visual", "conversation", "text_in_video"];
        assert_eq!(options_of(engine("marengo2.6", &old, false)), [Visual, Conversation, TextInVideo]);
        let new = ["visual", "audio"];
        assert_eq!(options_of(engine("marengo2.7", &new, true)), [Visual, Conversation, TextInVideo]);
        assert_eq!(options_of(engine("marengo2.6", &["visual"], false)), [Visual]);
        assert_eq!(options_of(engine("pegasus1.2", &new, true)), [Visual, Conversation]);
    }

    #[test]
    fn what_no_index_can_be_is_refused_with_the_value_and_the_rule() {
        let table = [
            (vec![], "An index needs an engine."),
            (vec![engine("gpt4", &["visual"], false)], "There is no such engine."),
            (vec![engine("marengo2.6", &[], false)], "The engine marengo2.6 needs at least one option."),
            (vec![engine("marengo2.6", &["logo"], false)], "Logos cannot be recognised here."),
            (vec![engine("marengo2.6", &["smell"], false)], "The engine marengo2.6 has no such option."),
            (
                vec![engine("pegasus1.1", &["text_in_video"], false)],
                "The engine pegasus1.1 has no such option.",
            ),
            (
                vec![engine("marengo2.6", &["visual", "visual"], false)],
                "An option of the engine marengo2.6 is given twice.",
            ),
            (
                vec![engine("marengo2.6", &["visual"], false), engine("marengo2.5", &["visual"], false)],
                "An index has at most one engine of a family.",
            ),
        ];
        for (engines, message) in table {
            assert_eq!(specs(&engines).unwrap_err().message, message);
        }
    }

    #[test]
    fn thumbnails_come_with_marengo_only() {
        let marengo = specs(&[engine("marengo2.6", &["visual"], false)]).unwrap();
        let pegasus = specs(&[engine("pegasus1.1", &["visual"], false)]).unwrap();
        let thumbnail = vec!["thumbnail".to_owned()];
        assert_eq!(addons(&thumbnail, &marengo), Ok(thumbnail.clone()));
        assert_eq!(addons(&[], &pegasus), Ok(vec![]));
        assert!(addons(&thumbnail, &pegasus).is_err());
        assert!(addons(&["hologram".to_owned()], &marengo).is_err());
        assert!(addons(&[thumbnail.clone(), thumbnail].concat(), &marengo).is_err());
    }

    #[test]
    fn names_are_what_people_can_read() {
        for good in ["harbour-cams", "Überwachung 2", "x"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", " ", "a ", "a\nb", &"x".repeat(129)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
