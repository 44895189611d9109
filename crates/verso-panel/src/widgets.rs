//! The small parts that all pages are made of.

mod button;
mod card;
mod field;
mod icon;
mod label;
mod qr;

pub(crate) use button::{Button, Look, focus_ring, named_segment, segment};
pub(crate) use card::{
    banner, beside, boxes_beside, card, ends, headline, marked_card, notice, plain_headline, section, split, title,
};
pub(crate) use field::{Field, field, secret_field};
pub(crate) use icon::Icon;
pub(crate) use label::{chip, chips, disc, dot, facts, line, progress, say};
pub(crate) use qr::qr;
