/// One page of a list: `PageNumber` from 1, `PageSize` rows (default 10, at most 101).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// The page, from 1.
    pub number: u32,
    /// Rows in a page.
    pub size: u32,
}

impl Page {
    /// Rows when the caller names none.
    pub const DEFAULT_SIZE: u32 = 10;
    /// Most rows in a page: 100 in the newer pages of the API, 101 in the older ones.
    pub const MAX_SIZE: u32 = 101;

    /// The page that the caller asked for; a size of 0 means the default.
    ///
    /// `None` when the number is 0 or the size is above [`Page::MAX_SIZE`].
    pub fn new(number: Option<u32>, size: Option<u32>) -> Option<Self> {
        let size = size.filter(|size| *size != 0).unwrap_or(Self::DEFAULT_SIZE);
        let number = number.unwrap_or(1);
        (number >= 1 && size <= Self::MAX_SIZE).then_some(Self { number, size })
    }

    /// Rows before this page.
    pub fn offset(self) -> i64 {
        (i64::from(self.number) - 1) * i64::from(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_defaults_and_bounds_of_the_api() {
        assert_eq!(Page::new(None, None), Some(Page { number: 1, size: 10 }));
        assert_eq!(Page::new(Some(2), Some(0)), Some(Page { number: 2, size: 10 }));
        assert_eq!(Page::new(Some(3), Some(101)).unwrap().offset(), 202);
        assert_eq!(Page::new(Some(0), None), None);
        assert_eq!(Page::new(None, Some(102)), None);
        assert_eq!(Page::new(Some(u32::MAX), Some(100)).unwrap().offset(), 429_496_729_400);
    }
}
