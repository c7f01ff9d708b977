//! Rotated rectangles around text: smallest rectangle around points, growing, corners, point test. Pure geometry.

/// A point in pixels; x to the right, y down.
pub type Point = [f32; 2];

/// A rectangle that may be turned. `along` is the unit vector of its reading side (length `width`), within 45
/// degrees of the x axis; the other side (length `height`) is `along` turned by +90 degrees, so downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TurnedRect {
    pub(crate) center: Point,
    pub(crate) along: Point,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl TurnedRect {
    /// The smallest rectangle around the points (rotating calipers over the convex hull); `None` without points.
    pub(crate) fn around(points: &[(i32, i32)]) -> Option<Self> {
        let hull = convex_hull(points);
        let first = *hull.first()?;
        if hull.len() == 1 {
            let center = [first.0 as f32, first.1 as f32];
            return Some(Self { center, along: [1.0, 0.0], width: 0.0, height: 0.0 });
        }
        let following = hull.iter().cycle().skip(1);
        let candidates = hull.iter().zip(following).map(|(a, b)| {
            let (dx, dy) = ((b.0 - a.0) as f32, (b.1 - a.1) as f32);
            let length = dx.hypot(dy);
            Self::bounding(&hull, [dx / length, dy / length])
        });
        candidates.min_by(|a, b| a.area().total_cmp(&b.area())).map(Self::upright)
    }

    /// The smaller side.
    pub(crate) fn short_side(&self) -> f32 {
        self.width.min(self.height)
    }

    /// The rectangle with every side moved outwards by `distance`.
    pub(crate) fn grown(self, distance: f32) -> Self {
        Self { width: self.width + 2.0 * distance, height: self.height + 2.0 * distance, ..self }
    }

    /// How far DB's "unclip" moves the sides: area × ratio ÷ perimeter (Vatti clipping in Liao et al., 2020).
    pub(crate) fn unclip_distance(&self, ratio: f32) -> f32 {
        let perimeter = 2.0 * (self.width + self.height);
        if perimeter > 0.0 { self.area() * ratio / perimeter } else { 0.0 }
    }

    /// Corners in reading order: top left, top right, bottom right, bottom left.
    pub(crate) fn corners(&self) -> [Point; 4] {
        [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(s, t)| self.at(s, t))
    }

    /// The point at `s` widths and `t` heights from the centre (-0.5..=0.5 is inside).
    pub(crate) fn at(&self, s: f32, t: f32) -> Point {
        let [ax, ay] = self.along;
        let (dx, dy) = (s * self.width, t * self.height);
        [self.center[0] + dx * ax - dy * ay, self.center[1] + dx * ay + dy * ax]
    }

    /// Whether the point is inside or on the edge.
    pub(crate) fn contains(&self, [x, y]: Point) -> bool {
        let (dx, dy) = (x - self.center[0], y - self.center[1]);
        let [ax, ay] = self.along;
        let s = (dx * ax + dy * ay).abs();
        let t = (dy * ax - dx * ay).abs();
        s <= self.width / 2.0 + 1e-3 && t <= self.height / 2.0 + 1e-3
    }

    /// Maps from one pixel grid to another whose axes are `x_scale` and `y_scale` times as long.
    pub(crate) fn scaled(&self, x_scale: f32, y_scale: f32) -> Self {
        let [ax, ay] = self.along;
        let along = [ax * x_scale, ay * y_scale];
        let across = [-ay * x_scale, ax * y_scale];
        let (along_scale, across_scale) = (along[0].hypot(along[1]), across[0].hypot(across[1]));
        Self {
            center: [self.center[0] * x_scale, self.center[1] * y_scale],
            along: [along[0] / along_scale, along[1] / along_scale],
            width: self.width * along_scale,
            height: self.height * across_scale,
        }
    }

    fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The box around the hull with one side along `along`.
    fn bounding(hull: &[(i32, i32)], along: Point) -> Self {
        let [ax, ay] = along;
        let mut s_range = (f32::INFINITY, f32::NEG_INFINITY);
        let mut t_range = s_range;
        for &(x, y) in hull {
            let (x, y) = (x as f32, y as f32);
            let (s, t) = (x * ax + y * ay, y * ax - x * ay);
            s_range = (s_range.0.min(s), s_range.1.max(s));
            t_range = (t_range.0.min(t), t_range.1.max(t));
        }
        let (s, t) = ((s_range.0 + s_range.1) / 2.0, (t_range.0 + t_range.1) / 2.0);
        Self {
            center: [s * ax - t * ay, s * ay + t * ax],
            along,
            width: s_range.1 - s_range.0,
            height: t_range.1 - t_range.0,
        }
    }

    /// Turns the frame of reference by quarter turns until `along` is within 45 degrees of the x axis.
    fn upright(mut self) -> Self {
        for _ in 0..3 {
            let [ax, ay] = self.along;
            if ax >= ay.abs() {
                break;
            }
            self.along = [-ay, ax];
            std::mem::swap(&mut self.width, &mut self.height);
        }
        self
    }
}

/// Andrew's monotone chain; corners only, in order, without repeating the first. Works on integers, so exactly.
fn convex_hull(points: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let mut sorted = points.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let mut hull = half_hull(sorted.iter().copied());
    let upper = half_hull(sorted.iter().rev().copied());
    hull.pop();
    hull.extend(&upper[..upper.len() - 1]);
    hull
}

fn half_hull(points: impl Iterator<Item = (i32, i32)>) -> Vec<(i32, i32)> {
    let mut half: Vec<(i32, i32)> = Vec::new();
    for point in points {
        while let [.., a, b] = half[..] {
            let turn = i64::from(b.0 - a.0) * i64::from(point.1 - a.1)
                - i64::from(b.1 - a.1) * i64::from(point.0 - a.0);
            if turn > 0 {
                break;
            }
            half.pop();
        }
        half.push(point);
    }
    half
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f32, b: f32) -> bool {
        (a - b).abs() < 1e-2
    }

    #[test]
    fn a_straight_block_gives_a_straight_rectangle() {
        let points: Vec<(i32, i32)> = (10..=50).flat_map(|x| (20..=30).map(move |y| (x, y))).collect();
        let rect = TurnedRect::around(&points).unwrap();
        assert_eq!(rect.along, [1.0, 0.0]);
        assert!(close(rect.width, 40.0) && close(rect.height, 10.0));
        assert_eq!(rect.corners(), [[10.0, 20.0], [50.0, 20.0], [50.0, 30.0], [10.0, 30.0]]);
    }

    #[test]
    fn a_diagonal_bar_gives_a_turned_rectangle() {
        let points: Vec<(i32, i32)> = (0..100).flat_map(|i| [(i, i / 2), (i - 5, i / 2 + 10)]).collect();
        let rect = TurnedRect::around(&points).unwrap();
        assert!(
            close(rect.along[1] / rect.along[0], 0.5) || (rect.along[1] / rect.along[0] - 0.5).abs() < 0.05
        );
        assert!(rect.width > 100.0 && rect.height < 15.0);
    }

    #[test]
    fn unclipping_moves_the_sides_by_area_times_ratio_over_perimeter() {
        let rect = TurnedRect { center: [0.0; 2], along: [1.0, 0.0], width: 100.0, height: 10.0 };
        assert!(close(rect.unclip_distance(1.6), 1000.0 * 1.6 / 220.0));
    }

    #[test]
    fn points_without_extent_do_not_break() {
        assert_eq!(TurnedRect::around(&[]), None);
        let dot = TurnedRect::around(&[(3, 4), (3, 4)]).unwrap();
        assert_eq!((dot.center, dot.short_side()), ([3.0, 4.0], 0.0));
        let line = TurnedRect::around(&[(0, 0), (5, 0), (10, 0)]).unwrap();
        assert_eq!((line.width, line.height), (10.0, 0.0));
    }

    proptest! {
        #[test]
        fn the_rectangle_holds_all_points_and_reads_from_left_to_right(
            points in prop::collection::vec((0i32..1000, 0i32..1000), 1..60),
        ) {
            let rect = TurnedRect::around(&points).unwrap();
            let loose = rect.grown(0.1);
            for &(x, y) in &points {
                prop_assert!(loose.contains([x as f32, y as f32]), "{rect:?} misses {x},{y}");
            }
            prop_assert!(rect.along[0] >= rect.along[1].abs() - 1e-5);
        }

        #[test]
        fn scaling_moves_the_corners_of_a_straight_rectangle_exactly(
            x in 0i32..500, y in 0i32..500, w in 1i32..300, h in 1i32..300,
            x_scale in 0.5f32..4.0, y_scale in 0.5f32..4.0,
        ) {
            let rect = TurnedRect::around(&[(x, y), (x + w, y), (x, y + h), (x + w, y + h)]).unwrap();
            let corners = rect.corners();
            for (before, after) in corners.iter().zip(rect.scaled(x_scale, y_scale).corners()) {
                prop_assert!((before[0] * x_scale - after[0]).abs() < 0.05);
                prop_assert!((before[1] * y_scale - after[1]).abs() < 0.05);
            }
        }
    }
}
