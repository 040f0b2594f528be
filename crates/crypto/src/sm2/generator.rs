//! Multiples of the generator, which are most of a signature.
//!
//! The library can make a table for them that is small and projective: 65 additions and 4 doublings. With this one, which
//! is affine and takes five bits of the scalar at a time, it is 52 additions, each of them shorter: two fifths less time.
//! The additions themselves are the library's, complete and in constant time.

use std::sync::LazyLock;

use sm2::elliptic_curve::point::BatchNormalize as _;
use sm2::elliptic_curve::subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use sm2::elliptic_curve::{Group as _, PrimeField as _};
use sm2::{AffinePoint, ProjectivePoint, Scalar};
use zeroize::Zeroizing;

/// Bits of the scalar that one addition takes.
const BITS: u32 = 5;

/// Digits are from −16 to 15, so this many multiples, and their opposites, are all there are.
const MULTIPLES: usize = 1 << (BITS - 1);

/// Digits of a scalar of 256 bits and the carry out of them.
const DIGITS: usize = 257_usize.div_ceil(BITS as usize);

/// For each digit, the first multiples of its place value: 60 KiB, made at the first use.
static TABLES: LazyLock<Vec<[AffinePoint; MULTIPLES]>> = LazyLock::new(|| {
    let mut place = ProjectivePoint::GENERATOR;
    let tables = (0..DIGITS).map(|_| {
        let mut last = ProjectivePoint::IDENTITY;
        let multiples = [(); MULTIPLES].map(|()| {
            last += place;
            last
        });
        place = last.double();
        ProjectivePoint::batch_normalize(&multiples)
    });
    tables.collect()
});

/// k times the generator, in constant time.
pub(super) fn times_generator(k: &Scalar) -> ProjectivePoint {
    let bytes = Zeroizing::new(k.to_repr());
    // Which byte is taken when is the same for every scalar.
    let mut bytes = bytes.iter().rev();
    let (mut bits, mut held, mut carry) = (0_u32, 0, 0);
    let mut sum = ProjectivePoint::IDENTITY;
    for multiples in TABLES.iter() {
        if held < BITS {
            bits |= u32::from(bytes.next().copied().unwrap_or(0)) << held;
            held += u8::BITS;
        }
        // From 0 to 32 with the carry; above 15 it counts as 32 less, and the next digit as one more.
        let raw = (bits & (u32::MAX >> (u32::BITS - BITS))) + carry;
        carry = (raw + MULTIPLES as u32) >> BITS;
        sum += &select(multiples, raw as i32 - (carry << BITS) as i32);
        bits >>= BITS;
        held -= BITS;
    }
    sum
}

/// The multiple that a digit from −16 to 15 stands for. Every entry is looked at.
fn select(multiples: &[AffinePoint; MULTIPLES], digit: i32) -> AffinePoint {
    let sign = digit >> (i32::BITS - 1);
    let magnitude = (digit ^ sign) - sign;
    let mut found = AffinePoint::IDENTITY;
    for (multiple, number) in multiples.iter().zip(1..) {
        found.conditional_assign(multiple, magnitude.ct_eq(&number));
    }
    let opposite = -found;
    found.conditional_assign(&opposite, Choice::from(sign.unsigned_abs() as u8));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sm2::FieldBytes;
    use sm2::elliptic_curve::ops::Reduce as _;

    use super::*;

    fn check(k: &Scalar) {
        assert_eq!(times_generator(k), ProjectivePoint::mul_by_generator(k), "{k:?}");
    }

    #[test]
    fn small_scalars_their_opposites_and_powers_of_two_are_right() {
        for small in 0..100_u64 {
            check(&Scalar::from(small));
            check(&-Scalar::from(small));
        }
        let mut power = Scalar::ONE;
        for _ in 0..256 {
            check(&power);
            check(&(power - Scalar::ONE));
            power = power.double();
        }
    }

    #[test]
    fn every_digit_at_every_place_is_right() {
        for byte in 0..=255 {
            check(&Scalar::reduce(&FieldBytes::from([byte; 32])));
        }
    }

    proptest! {
        #[test]
        fn any_scalar_is_right(bytes: [u8; 32]) {
            check(&Scalar::reduce(&FieldBytes::from(bytes)));
        }
    }
}
