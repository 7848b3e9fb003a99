//! Parameters that only the broker has.

use stokehold_app::check_dbuuid;
use stokehold_app::types::{Credits, Span};
use stokehold_wire::{Fault, Params};

/// The longest description of a charge, in bytes.
const DESCRIPTION_LENGTH_MAX: usize = 2_000;

/// `credit`, which has to be there.
pub(crate) fn credit(params: &Params<'_>) -> Result<Credits, Fault> {
    params.credits("credit")?.ok_or_else(|| Fault::type_error("credit is missing"))
}

/// `credit_to_capture`: absent, `null` or `false` stand for the whole hold.
pub(crate) fn credit_to_capture(params: &Params<'_>) -> Result<Option<Credits>, Fault> {
    match params.get("credit_to_capture") {
        Some("false") => Ok(None),
        _ => params.credits("credit_to_capture"),
    }
}

/// `ttl` in hours, fractions allowed. Absent, `null` or `false`: the host's own.
pub(crate) fn ttl(params: &Params<'_>) -> Result<Option<Span>, Fault> {
    const MICROS_PER_MICROHOUR: i64 = 3_600;
    let Some(text) = params.get("ttl").filter(|text| *text != "false") else { return Ok(None) };
    // Hours are read like credits: exact to a millionth, from the number's text.
    let microhours = Credits::from_json_number(text).map(Credits::micros);
    match microhours {
        Ok(0) => Err(Fault::type_error("ttl has to be above zero hours")),
        Ok(microhours) => {
            let micros = microhours.checked_mul(MICROS_PER_MICROHOUR);
            Ok(Some(micros.and_then(Span::from_micros).unwrap_or(Span::MAX)))
        }
        Err(error) => {
            Err(Fault::type_error(format!("ttl has to be a number of hours: this is {error}")))
        }
    }
}

/// `dbuuid`, a string or `null`. An empty one is none.
pub(crate) fn dbuuid(params: &Params<'_>) -> Result<Option<String>, Fault> {
    let dbuuid = params.string("dbuuid")?.filter(|dbuuid| !dbuuid.is_empty());
    if let Some(dbuuid) = &dbuuid {
        check_dbuuid(dbuuid).map_err(Fault::type_error)?;
    }
    Ok(dbuuid)
}

/// `description`, a string or `null`.
pub(crate) fn description(params: &Params<'_>) -> Result<Option<String>, Fault> {
    let description = params.string("description")?;
    if description.as_ref().is_some_and(|text| text.len() > DESCRIPTION_LENGTH_MAX) {
        return Err(Fault::type_error(format!(
            "description can have {DESCRIPTION_LENGTH_MAX} characters at the most"
        )));
    }
    Ok(description)
}
