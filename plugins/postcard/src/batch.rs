//! All cards of a call, one after the other.

use stokehold_sdk::Credits;

use crate::gateway::Reply;
use crate::order::{Plan, Postcard};
use crate::state::{Line, State};

/// Carries out the plans with `send`, and answers a line for each card. Once the printing house is
/// out of reach, no further card is tried: the client does not wait for one time-out after the other.
pub(crate) fn post<'a>(
    cards: &'a [Postcard],
    plans: Vec<Plan>,
    mut send: impl FnMut(&Postcard) -> Reply,
) -> Vec<Line<'a>> {
    let mut is_up = true;
    let mut carry_out = |card, plan| match plan {
        Plan::Keep(state) => (state, None),
        Plan::Send(_) if !is_up => (not_tried(), None),
        Plan::Send(postage) => match send(card) {
            Reply::Settled(state @ State::Sent { .. }) => (state, Some(postage)),
            Reply::Settled(state) => (state, None),
            Reply::Down { reason } => {
                is_up = false;
                (State::Failed { reason }, None)
            }
        },
    };
    let line = |(card, plan): (&'a Postcard, Plan)| {
        let (state, cost) = carry_out(card, plan);
        Line { id: &card.id, state, credits: cost.unwrap_or(Credits::from_micro(0)) }
    };
    cards.iter().zip(plans).map(line).collect()
}

fn not_tried() -> State {
    State::Failed { reason: "not tried, after what became of another card".to_owned() }
}
