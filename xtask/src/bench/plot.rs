//! A plot of lines over two logarithmic scales, as SVG.

use std::fmt::Write as _;

use super::figures::Unit;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 230.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;

/// Colours that people who see few of them tell apart (Okabe and Ito).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// What is drawn.
#[derive(Debug)]
pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    /// What lies on the scale from left to right.
    pub(crate) across: &'a str,
    /// What the figures are.
    pub(crate) unit: Unit,
    pub(crate) lines: Vec<Line>,
}

/// Points that belong together.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Each above 0.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Plot<'_> {
    /// Draws it.
    pub(crate) fn to_svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let x = Scale::around(points().map(|point| point.0), LEFT, WIDTH - RIGHT);
        let y = Scale::around(points().map(|point| point.1), HEIGHT - BOTTOM, TOP);
        let mut svg = String::new();
        // Writing to a string does not fail.
        let mut draw = |element: std::fmt::Arguments<'_>| writeln!(svg, "{element}").unwrap_or_default();
        draw(format_args!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">
<title>{0}</title>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
<text x="{LEFT}" y="22" font-size="15" fill="#222222">{0}</text>
<text x="{1}" y="{2}" text-anchor="middle" fill="#222222">{3}</text>"##,
            self.title,
            f64::midpoint(LEFT, WIDTH - RIGHT),
            HEIGHT - 10.0,
            self.across
        ));
        for power in x.powers() {
            let (at, (top, bottom)) = (x.at(power), (TOP, HEIGHT - BOTTOM));
            draw(format_args!(r##"<line x1="{at:.1}" y1="{top}" x2="{at:.1}" y2="{bottom}" stroke="#dddddd"/>"##));
            let name = super::figures::digits(power);
            draw(format_args!(
                r##"<text x="{at:.1}" y="{:.1}" text-anchor="middle" fill="#222222">{}</text>"##,
                bottom + 16.0,
                name.trim_end_matches(".00").trim_end_matches(".0")
            ));
        }
        for power in y.powers() {
            let (at, right) = (y.at(power), WIDTH - RIGHT);
            draw(format_args!(r##"<line x1="{LEFT}" y1="{at:.1}" x2="{right}" y2="{at:.1}" stroke="#dddddd"/>"##));
            let name = self.unit.show(power).replace(".00", "").replace(".0 ", " ");
            draw(format_args!(
                r##"<text x="{}" y="{:.1}" text-anchor="end" fill="#222222">{name}</text>"##,
                LEFT - 8.0,
                at + 4.0
            ));
        }
        for (at, (line, colour)) in self.lines.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let place = |(over, up): &(f64, f64)| (x.at(*over), y.at(*up));
            let path: Vec<String> = line.points.iter().map(place).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            draw(format_args!(
                r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
                path.join(" ")
            ));
            for (x, y) in line.points.iter().map(place) {
                draw(format_args!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{colour}"/>"#));
            }
            let (left, row) =
                (WIDTH - RIGHT + 14.0, TOP + 8.0 + 20.0 * f64::from(u32::try_from(at).unwrap_or_default()));
            draw(format_args!(
                r#"<line x1="{left}" y1="{row}" x2="{}" y2="{row}" stroke="{colour}" stroke-width="3"/>"#,
                left + 18.0
            ));
            draw(format_args!(r##"<text x="{}" y="{}" fill="#222222">{}</text>"##, left + 24.0, row + 4.0, line.name));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// A logarithmic scale from one power of ten to another, drawn between two places.
#[derive(Debug)]
struct Scale {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Scale {
    fn around(figures: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) =
            figures.filter(|figure| *figure > 0.0).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), figure| {
                (low.min(figure.log10().floor()), high.max(figure.log10().ceil()))
            });
        let power = |of: f64| if of.is_finite() { whole(of) } else { 0 };
        let (low, high) = (power(low), power(high));
        Self { low, high: high.max(low + 1), from, to }
    }

    fn at(&self, figure: f64) -> f64 {
        let share = (figure.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    fn powers(&self) -> impl Iterator<Item = f64> + use<> {
        (self.low..=self.high).map(|power| 10_f64.powi(power))
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a power of ten of something measured has two digits"
)]
const fn whole(power: f64) -> i32 {
    power as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_lies_where_its_figures_say() {
        let points = vec![(1e3, 0.01), (1e5, 1.0)];
        let line = Line { name: "record".into(), points };
        let svg = Plot { title: "Time", across: "intents", unit: Unit::Seconds, lines: vec![line] }.to_svg();
        // Both scales begin and end with these points.
        assert!(svg.contains(r#"<polyline points="80.0,370.0 530.0,40.0""#), "{svg}");
        for text in ["1,000<", "10,000<", "100,000<", ">10 ms<", ">100 ms<", ">1 s<", ">record<", ">Time<"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert!(svg.ends_with("</svg>\n"));
    }

    #[test]
    fn nothing_to_draw_is_no_fault() {
        let svg = Plot { title: "", across: "", unit: Unit::Bytes, lines: Vec::new() }.to_svg();
        assert!(svg.contains("<svg") && !svg.contains("polyline") && !svg.contains("NaN"), "{svg}");
    }
}
