//! Damm's check digit: it finds every single wrong digit and every two neighbours that changed places (H. M. Damm, *Total
//! anti-symmetrische Quasigruppen*, 2004).

/// A totally anti-symmetric quasigroup of order ten, with zeros in its diagonal.
const TABLE: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// The digit that makes the check of all come to zero.
pub(super) fn check_digit(digits: impl Iterator<Item = u8>) -> u8 {
    digits.fold(0, |interim, digit| TABLE[usize::from(interim)][usize::from(digit % 10)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example() {
        assert_eq!(check_digit([5, 7, 2].into_iter()), 4);
    }

    #[test]
    fn every_wrong_digit_and_every_swap_of_neighbours_is_found() {
        let mut digits: Vec<u8> = (0..23).map(|place: u8| place * 7 % 10).collect();
        digits.push(check_digit(digits.iter().copied()));
        let is_right = |digits: &[u8]| check_digit(digits.iter().copied()) == 0;
        assert!(is_right(&digits));
        for place in 0..24 {
            for wrong in (0..10).filter(|wrong| *wrong != digits[place]) {
                let mut changed = digits.clone();
                changed[place] = wrong;
                assert!(!is_right(&changed));
            }
        }
        for (tens, units) in (0..10).flat_map(|tens| (0..10).map(move |units| (tens, units))).filter(|(a, b)| a != b) {
            for place in 0..22 {
                let mut written = digits[..23].to_vec();
                (written[place], written[place + 1]) = (tens, units);
                written.push(check_digit(written.iter().copied()));
                written.swap(place, place + 1);
                assert!(!is_right(&written));
            }
        }
    }
}
