//! Nodes in a snapshot.

use super::{Created, More, Node};
use crate::dots::DotSet;
use crate::node_id::NodeId;
use crate::presence::{Marks, Presence};
use crate::snapshot::{Delta, In, Out, Sizes};
use crate::table::{NodeIx, Table};

/// What a node's first byte says beside its presence, which takes the lowest two bits.
mod flag {
    pub(super) const CREATED: u8 = 1 << 2;
    pub(super) const ACTIVITY: u8 = 1 << 3;
    pub(super) const MORE: u8 = 1 << 4;
    pub(super) const PRESENCE: u8 = CREATED - 1;
    pub(super) const ALL: u8 = CREATED | ACTIVITY | MORE | PRESENCE;
}

pub(crate) fn save_nodes(nodes: &Table<NodeIx, Node>, out: &mut Out) {
    let rows = || nodes.iter().map(|(_, node)| node);
    let created = || rows().filter_map(|node| node.created.as_ref());
    out.column(|out| {
        for Node { created, presence, activity, more } in rows() {
            let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
            let has = flag(created.is_some(), flag::CREATED)
                | flag(activity.is_some(), flag::ACTIVITY)
                | flag(more.is_some(), flag::MORE);
            out.raw(&[presence.code() | has]);
        }
    });
    out.column(|out| created().for_each(|Created { id, at: _, text: _, url_len: _ }| out.raw(id.as_bytes())));
    out.column(|out| {
        let mut delta = Delta::default();
        created().for_each(|created| delta.put(out, created.at.bits().get()));
    });
    out.column(|out| {
        for created in created() {
            out.number(u64::from(created.url_len));
            out.count(created.text.len());
        }
    });
    out.column(|out| created().for_each(|created| out.raw(created.text.as_bytes())));
    out.column(|out| {
        let mut delta = Delta::default();
        rows().filter_map(|node| node.activity).for_each(|at| delta.put(out, at.bits().get()));
    });
    out.column(|out| rows().filter_map(|node| node.more.as_ref()).for_each(|more| more.save(out)));
}

pub(crate) fn load_nodes(input: &mut In<'_>, sizes: Sizes) -> Option<Table<NodeIx, Node>> {
    let [mut flags, mut ids, mut dots] = [input.column()?, input.column()?, input.column()?];
    let [mut lens, mut texts, mut activities, mut mores] =
        [input.column()?, input.column()?, input.column()?, input.column()?];
    let (mut dot, mut activity) = (Delta::default(), Delta::default());
    let mut nodes = Table::with_capacity(sizes.nodes);
    for _ in 0..sizes.nodes {
        let flags = flags.byte()?;
        if flags & !flag::ALL != 0 {
            return None;
        }
        let created = if flags & flag::CREATED == 0 {
            None
        } else {
            let url_len = u32::try_from(lens.number()?).ok()?;
            let text = std::str::from_utf8(texts.raw(usize::try_from(lens.number()?).ok()?)?).ok()?;
            if !text.is_char_boundary(usize::try_from(url_len).ok()?) {
                return None;
            }
            let at = sizes.at(dot.take(&mut dots)?)?;
            Some(Created { id: NodeId::from_bytes(ids.array()?), at, text: text.into(), url_len })
        };
        let activity =
            if flags & flag::ACTIVITY == 0 { None } else { Some(sizes.at(activity.take(&mut activities)?)?) };
        let more = if flags & flag::MORE == 0 { None } else { Some(Box::new(More::load(&mut mores, sizes)?)) };
        nodes.push(Node { created, presence: Presence::of_code(flags & flag::PRESENCE)?, activity, more });
    }
    In::end([flags, ids, dots, lens, texts, activities, mores])?;
    Some(nodes)
}

impl More {
    fn save(&self, out: &mut Out) {
        let Self { activity, titles, urls, marks, waiting } = self;
        for dots in [activity, waiting] {
            out.dots(dots);
        }
        for writes in [titles, urls] {
            save_option(out, writes.as_deref(), |out, writes| writes.save(out, |out, value| out.text(value)));
        }
        save_option(out, marks.as_deref(), |out, marks| marks.save(out));
    }

    fn load(input: &mut In<'_>, sizes: Sizes) -> Option<Self> {
        let dots =
            |input: &mut In<'_>| -> Option<Vec<_>> { (0..input.count()?).map(|_| sizes.at(input.number()?)).collect() };
        let (activity, waiting) = (dots(input)?, dots(input)?);
        let writes = |input: &mut In<'_>| {
            load_option(input, |input| DotSet::load(input, sizes, |input| input.text().map(Box::from)))
        };
        let (titles, urls) = (writes(input)?, writes(input)?);
        let marks = load_option(input, |input| Marks::load(input, sizes))?;
        Some(Self { activity, titles, urls, marks, waiting })
    }
}

fn save_option<T>(out: &mut Out, value: Option<&T>, save: impl FnOnce(&mut Out, &T)) {
    out.raw(&[u8::from(value.is_some())]);
    if let Some(value) = value {
        save(out, value);
    }
}

#[expect(clippy::option_option, reason = "the outer one tells whether the bytes make sense, as everywhere here")]
fn load_option<'a, T>(input: &mut In<'a>, load: impl FnOnce(&mut In<'a>) -> Option<T>) -> Option<Option<Box<T>>> {
    match input.byte()? {
        0 => Some(None),
        1 => load(input).map(|value| Some(Box::new(value))),
        _ => None,
    }
}
