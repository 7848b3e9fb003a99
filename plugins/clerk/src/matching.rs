//! Finding the invoices that a payment is for.

/// Invoices of one job. With [`TOGETHER_MAX`] it bounds the work on a payment, and so its price.
pub(crate) const INVOICES_MAX: usize = 100;
/// Invoices that one payment pays at most.
const TOGETHER_MAX: usize = 4;

/// An invoice that is not paid yet.
#[derive(Clone, Copy)]
pub(crate) struct Open {
    /// Its place in the job.
    pub(crate) place: usize,
    pub(crate) cents: u64,
}

/// The places of the fewest invoices that come to exactly `cents`, if any do.
pub(crate) fn find(cents: u64, open: &[Open]) -> Option<Vec<usize>> {
    let mut open = open.to_vec();
    open.sort_by_key(|invoice| std::cmp::Reverse(invoice.cents));
    (1..=TOGETHER_MAX).find_map(|count| choose(cents, count, &open))
}

/// Chooses `count` of `open`, the dearest of which comes first.
fn choose(cents: u64, count: usize, open: &[Open]) -> Option<Vec<usize>> {
    let Some(others) = count.checked_sub(1) else {
        return (cents == 0).then(Vec::new);
    };
    for (number, invoice) in open.iter().enumerate() {
        let Some(rest) = cents.checked_sub(invoice.cents) else { continue };
        if invoice.cents.saturating_mul(count as u64) < cents {
            // Not even this many of the dearest that are left come to it.
            return None;
        }
        if let Some(mut places) = choose(rest, others, &open[number + 1..]) {
            places.insert(0, invoice.place);
            return Some(places);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Open, find};

    fn found(cents: u64, invoices: &[u64]) -> Option<Vec<usize>> {
        let open = |(place, cents): (usize, &u64)| Open { place, cents: *cents };
        find(cents, &invoices.iter().enumerate().map(open).collect::<Vec<_>>())
    }

    #[test]
    fn the_fewest_invoices_win() {
        assert_eq!(found(300, &[100, 200, 300]), Some(vec![2]));
        assert_eq!(found(300, &[100, 150, 200]), Some(vec![2, 0]));
        assert_eq!(found(10, &[1, 2, 3, 4]), Some(vec![3, 2, 1, 0]));
    }

    #[test]
    fn what_does_not_add_up_is_not_found() {
        assert_eq!(found(15, &[1, 2, 3, 4, 5]), None, "five would");
        assert_eq!(found(5, &[2, 2, 2]), None);
        assert_eq!(found(5, &[]), None);
        assert_eq!(found(u64::MAX, &[u64::MAX - 1, u64::MAX - 2]), None);
    }

    #[test]
    fn it_finds_whatever_there_is_to_find() {
        let invoices = [701, 113, 467, 859, 239, 571, 348];
        for (one, two, three) in [(0, 1, 2), (3, 4, 6), (2, 5, 6)] {
            let cents = invoices[one] + invoices[two] + invoices[three];
            let places = found(cents, &invoices).expect("there is one");
            assert_eq!(places.iter().map(|place| invoices[*place]).sum::<u64>(), cents);
        }
    }
}
