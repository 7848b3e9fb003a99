//! What a client orders, what it will cost, and what is wrong with it.

use serde::{Deserialize, Serialize};
use stokehold_sdk::{Credits, Failure, Request};

use crate::state::State;

/// Cards of one call: a card is a request, and a call has 16.
const CARDS_MAX: usize = 16;
/// Characters that fit on the back of a card.
const CHARACTERS_MAX: usize = 500;

/// What a card costs in the country of the printing house, and in any other.
const POSTAGE_HOME: Credits = Credits::from_micro(1_000_000);
const POSTAGE_ABROAD: Credits = Credits::from_micro(1_500_000);

/// The parameters of the route `send`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) postcards: Vec<Postcard>,
    /// What the client wants to spend at most. Cards that it does not pay for are not sent.
    credits_max: Option<Credits>,
}

/// One card. The printing house gets it as it is.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Postcard {
    /// The client's own name for the card, by which a card that comes twice is recognised.
    pub(crate) id: String,
    name: String,
    street: String,
    city: String,
    /// Two letters, ISO 3166-1.
    country: String,
    text: String,
}

/// What is to become of a card.
#[derive(Debug, PartialEq)]
pub(crate) enum Plan {
    /// It is sent, for this postage.
    Send(Credits),
    /// It is not, and this is its state.
    Keep(State),
}

impl Order {
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let order: Self = match request.route.as_str() {
            "send" => request.params()?,
            _ => return Err(request.unknown_route(&["send"])),
        };
        match order.postcards.len() {
            1..=CARDS_MAX => Ok(order),
            count => Err(Failure::UserError(format!(
                "params.postcards: there are {count}; a call takes 1 to {CARDS_MAX}"
            ))),
        }
    }

    /// A plan for each card, in their order, by a printing house in the country `home`.
    pub(crate) fn plans(&self, home: &str) -> Vec<Plan> {
        let mut left = self.credits_max.map_or(u64::MAX, Credits::micro);
        let plan = |card: &Postcard| {
            if let Some(reason) = card.fault() {
                return Plan::Keep(State::Invalid { reason: reason.to_owned() });
            }
            let postage = if card.country == home { POSTAGE_HOME } else { POSTAGE_ABROAD };
            match left.checked_sub(postage.micro()) {
                Some(rest) => {
                    left = rest;
                    Plan::Send(postage)
                }
                None => Plan::Keep(State::InsufficientCredits),
            }
        };
        self.postcards.iter().map(plan).collect()
    }
}

impl Plan {
    /// What the card will cost if it is sent.
    pub(crate) fn postage(&self) -> Option<Credits> {
        match self {
            Plan::Send(postage) => Some(*postage),
            Plan::Keep(_) => None,
        }
    }
}

impl Postcard {
    /// Why the card cannot be sent, as far as one sees without asking anybody.
    fn fault(&self) -> Option<&'static str> {
        let Self { id, name, street, city, country, text } = self;
        let in_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=64).contains(&id.len()) || !id.bytes().all(in_id) {
            Some("id has to be 1 to 64 letters, digits, dashes, underscores and dots")
        } else if [name, street, city].into_iter().any(|line| line.trim().is_empty()) {
            Some("name, street and city have to be given")
        } else if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Some("country has to be two capital letters")
        } else if text.trim().is_empty() || text.chars().count() > CHARACTERS_MAX {
            Some("text has to be 1 to 500 characters")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stokehold_sdk::{Credits, Failure, Request};

    use super::{Order, POSTAGE_ABROAD, POSTAGE_HOME, Plan, State};

    fn card(country: &str) -> Value {
        json!({ "id": "a-1", "name": "Ada", "street": "1 High St", "city": "Ghent",
                "country": country, "text": "Wish you were here" })
    }

    fn order(params: &Value) -> Result<Order, Failure> {
        Order::of(&Request {
            call_id: "call".into(),
            route: "send".into(),
            params: params.to_string(),
            client_id: "client".into(),
        })
    }

    fn plans(params: &Value) -> Vec<Plan> {
        order(params).expect("a good order").plans("BE")
    }

    #[test]
    fn postage_depends_on_the_country() {
        let plans = plans(&json!({ "postcards": [card("BE"), card("NZ")] }));
        assert_eq!(plans, [Plan::Send(POSTAGE_HOME), Plan::Send(POSTAGE_ABROAD)]);
    }

    #[test]
    fn cards_beyond_what_the_client_spends_stay() {
        let order = json!({ "postcards": [card("BE"), card("NZ"), card("BE")], "credits_max": 2 });
        let expected = [
            Plan::Send(POSTAGE_HOME),
            Plan::Keep(State::InsufficientCredits),
            Plan::Send(POSTAGE_HOME),
        ];
        assert_eq!(plans(&order), expected);
        let total = expected.iter().filter_map(Plan::postage).map(Credits::micro).sum::<u64>();
        assert_eq!(total, 2_000_000);
    }

    #[test]
    fn a_bad_card_does_not_spoil_the_others() {
        for (pointer, value, reason) in [
            ("/id", json!("a\r\nb"), "id has to be"),
            ("/id", json!(""), "id has to be"),
            ("/city", json!(" "), "name, street and city"),
            ("/country", json!("Belgium"), "country has to be"),
            ("/text", json!(""), "text has to be"),
            ("/text", json!("x".repeat(501)), "text has to be"),
        ] {
            let mut bad = card("BE");
            *bad.pointer_mut(pointer).expect("it is there") = value;
            let plans = plans(&json!({ "postcards": [bad, card("BE")] }));
            let Plan::Keep(State::Invalid { reason: found }) = &plans[0] else {
                panic!("{pointer}: {plans:?}");
            };
            assert!(found.starts_with(reason), "{found}");
            assert_eq!(plans[1], Plan::Send(POSTAGE_HOME));
        }
    }

    #[test]
    fn an_order_of_none_or_too_many_is_refused() {
        for count in [0, 17] {
            let refused = order(&json!({ "postcards": vec![card("BE"); count] })).err();
            let message = format!("params.postcards: there are {count}; a call takes 1 to 16");
            assert!(matches!(refused, Some(Failure::UserError(text)) if text == message));
        }
    }
}
