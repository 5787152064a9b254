//! The care plan: what it holds, who may write it, and how it is shown. Pure: no storage, no network, no clock.
//!
//! | module | what |
//! |---|---|
//! | [`schema`] | sections and fields, in one table |
//! | [`leaf`] | one answer |
//! | [`check`] | whether an answer fits its question |
//! | [`authority`] | who may write what |
//! | [`view`] | everything that stands, with where it comes from; [`banner`] who it is about |
//! | [`approval`] | what was approved of it, and what urgent care is shown |
//! | [`control`] | how the plan as a whole stands |
//! | [`compare`] | what differs between two views, in words |
//! | [`summary`] | one line of a list |
//! | [`worklist`] | the lists of work that a plan is on, and why |
//! | [`withheld`] | what a view says is there and does not say |
//! | [`for_person`] | what of a plan the person is not shown |
//! | [`page`] | a view as four kinds of readers read it, as text and as HTML |
//! | [`locale`] | sentences and labels in the reader's language |
//! | [`looks`] | who has looked at a plan |
//! | [`csv`] | every answer as a row of a table |
//! | [`words`] | what an entry changes, for the history |
//! | `spoken` | a view in another language |
//! | [`codes`] | every code, in one table |
//! | [`nhs_number`] | NHS numbers |
//! | [`dates`] | dates as people read them |

mod alerts;
pub mod approval;
pub mod authority;
pub mod banner;
pub mod check;
pub mod codes;
pub mod compare;
pub mod control;
pub mod csv;
pub mod dates;
pub mod for_person;
pub mod kept;
pub mod leaf;
mod legal;
pub mod locale;
pub mod looks;
pub mod nhs_number;
pub mod page;
mod phrases;
pub mod schema;
mod spoken;
pub mod summary;
pub mod view;
pub mod withheld;
pub mod words;
pub mod worklist;

#[cfg(test)]
mod tests;
