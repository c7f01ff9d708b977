//! What the stream carries: ids of tasks under subjects by class and lane. Nothing in it is believed.

use crate::ids::{TaskId, WorkspaceId};
use crate::store::{Offer, OfferClass};
use crate::time::Timestamp;

/// What all subjects of tasks begin with.
pub(super) const TASKS: &str = "telecine.tasks";
/// Where it is told, without the stream, that there is something in a class and lane.
pub(super) const NEWS: &str = "telecine.news";

/// Where messages of a class and some workspaces go. Its number is its place in lists of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    pub(super) class: OfferClass,
    pub(super) number: u16,
}

impl Lane {
    /// The lane of an offer: each workspace has one per class, whoever asks.
    pub(super) fn of(class: OfferClass, workspace: WorkspaceId, lanes: u16) -> Self {
        let hash = blake3::hash(workspace.to_string().as_bytes());
        let bytes = hash.as_bytes();
        let number =
            u64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) % u64::from(lanes);
        Self { class, number: u16::try_from(number).unwrap_or(0) }
    }

    /// All of them: those of single tasks first.
    pub(super) fn all(lanes: u16) -> impl Iterator<Item = Self> {
        OfferClass::ALL
            .into_iter()
            .flat_map(move |class| (0..lanes).map(move |number| Self { class, number }))
    }

    pub(super) fn place(self, lanes: u16) -> usize {
        let before = if self.class == OfferClass::Single { 0 } else { usize::from(lanes) };
        before + usize::from(self.number)
    }

    /// `single.3`.
    fn name(self) -> String {
        format!("{}.{}", self.class.as_str(), self.number)
    }

    pub(super) fn subject(self) -> String {
        format!("{TASKS}.{}", self.name())
    }

    pub(super) fn news(self) -> String {
        format!("{NEWS}.{}", self.name())
    }

    /// Names of consumers have no dots.
    pub(super) fn consumer(self) -> String {
        self.name().replace('.', "_")
    }

    /// The lane that a subject names.
    pub(super) fn of_subject(subject: &str, lanes: u16) -> Option<Self> {
        Self::all(lanes).find(|lane| subject == lane.subject() || subject == lane.news())
    }
}

/// One offer, as a message tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) task: TaskId,
    /// Which of its offers: that which lapses then.
    pub(super) offer: Timestamp,
}

impl From<&Offer> for Note {
    fn from(offer: &Offer) -> Self {
        Self { task: offer.task, offer: offer.until }
    }
}

impl Note {
    /// What is sent.
    pub(super) fn text(self) -> String {
        format!("{} {}", self.task, self.offer.as_millis())
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (task, offer) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        Some(Self { task: task.parse().ok()?, offer: Timestamp::from_millis(offer.parse().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_nothing_else_is() {
        let task: TaskId = "65e0f0f0f0f0f0f0f0f0f0f0".parse().unwrap();
        let note = Note { task, offer: Timestamp::from_millis(1_709_284_502_417) };
        assert_eq!(Note::parse(note.text().as_bytes()), Some(note));
        for wrong in ["", "65e0f0f0f0f0f0f0f0f0f0f0", "x 1", "65e0f0f0f0f0f0f0f0f0f0f0 later", "\u{fffd} 1"] {
            assert_eq!(Note::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(Note::parse(&[0xff, 0x20, 0x31]), None);
    }

    #[test]
    fn lanes_have_places_and_subjects_of_their_own() {
        let lanes: Vec<Lane> = Lane::all(3).collect();
        assert_eq!(lanes.len(), 6);
        for (place, lane) in lanes.iter().enumerate() {
            assert_eq!(lane.place(3), place);
            assert_eq!(Lane::of_subject(&lane.subject(), 3), Some(*lane));
            assert_eq!(Lane::of_subject(&lane.news(), 3), Some(*lane));
        }
        assert_eq!(lanes[4].subject(), "telecine.tasks.bulk.1");
        assert_eq!(Lane::of_subject("telecine.tasks.bulk.3", 3), None);
    }

    #[test]
    fn a_workspace_stays_in_its_lane_and_workspaces_spread() {
        let workspace: WorkspaceId = "65e0f0f0f0f0f0f0f0f0f0f0".parse().unwrap();
        let lane = Lane::of(OfferClass::Bulk, workspace, 64);
        assert_eq!(lane, Lane::of(OfferClass::Bulk, workspace, 64));
        let spread: std::collections::HashSet<u16> = (0..1000)
            .map(|number: u32| format!("65e0f0f0f0f0f0f0{number:08x}").parse().unwrap())
            .map(|workspace| Lane::of(OfferClass::Single, workspace, 64).number)
            .collect();
        assert_eq!(spread.len(), 64);
    }
}
