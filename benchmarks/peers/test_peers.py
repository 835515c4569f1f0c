"""The parts of the comparison that need no engine: python3 test_peers.py"""
import contextlib
import io
import shlex
import unittest
import xml.dom.minidom

try:
    import numpy as np

    import measure
except ImportError:
    np = None

import options
import report
from chart import chart, ratios

ENGINES = ["fovea", "OpenVINO", "ncnn"]


def row(network="VapSR x2", size=(256, 256), threads=2, isa=None, missing=None, **seconds):
    seconds = {name.replace("_", " "): s for name, s in (seconds or {"fovea": 0.5, "OpenVINO": 2.0, "ncnn": 1.5}).items()}
    return {"network": network, "size": list(size), "threads": threads, "isa": isa, "seconds": seconds,
            "missing": missing or {}, "variants": {n: "plain" for n in seconds if n != "fovea"},
            "versions": ["fovea", "ncnn 1"], "difference": 1e-6, "psnr": 130.0}


class Table(unittest.TestCase):
    def test_ratio_is_of_the_fastest_peer(self):
        self.assertEqual(report.ratio(row()), 3.0)
        self.assertIsNone(report.ratio(row(fovea=1.0)))

    def test_a_line_for_each_row(self):
        lines = report.time_table([row(), row(threads=1, fovea=1.0, ncnn=1.5)], ENGINES).splitlines()
        self.assertEqual(lines[0], "| network | threads | fovea | OpenVINO | ncnn | fastest peer / fovea |")
        self.assertEqual(lines[1], "|---|---|---|---|---|---|")
        self.assertEqual(lines[2], "| VapSR x2 | 2 | 0.500 | 2.000 | 1.500 | 3.00 |")
        self.assertEqual(lines[3], "| VapSR x2 | 1 | 1.000 | - | 1.500 | 1.50 |")

    def test_peers_with_other_instructions_do_not_count(self):
        restricted = row(isa="avx2")
        self.assertEqual(report.ratio(restricted), 4.0)
        self.assertIn("1.500*", report.time_table([restricted], ENGINES))
        self.assertIn("ncnn cannot be restricted", report.notes([restricted]))

    def test_memory(self):
        peak = {**row(), "megabytes": {"upscale": 120.4, "fovea": 100.0, "ncnn": 900.0}}
        self.assertIn("| VapSR x2 | 2 | 120 | 100 | - | 900 |", report.memory_table([peak], ENGINES))

    def test_who_cannot_run_is_named_with_the_reason(self):
        text = report.notes([row(missing={"PyTorch": "no such operation"})])
        self.assertIn("VapSR x2: PyTorch cannot run it: no such operation", text)

    def test_section_has_a_table_for_each_size(self):
        text = report.section([row(), row(size=(540, 960))], ENGINES, "processor", "2026-01-01", "abc", "command", 5, "a.svg")
        for part in ("256x256 input, seconds, median of 5", "960x540 input", "(a.svg)", "processor; 2026-01-01, commit abc"):
            self.assertIn(part, text)


class Markers(unittest.TestCase):
    document = "before\n<!-- peers:begin -->\nold\n<!-- peers:end -->\nafter <!-- peers-avx2:begin --><!-- peers-avx2:end -->"

    def test_only_what_lies_between_is_replaced(self):
        self.assertEqual(report.replaced("a <!-- x:begin --> b <!-- x:end --> c", "x", r"new \1"),
                         "a <!-- x:begin -->\nnew \\1\n<!-- x:end --> c")
        changed = report.replaced(self.document, "peers", "new")
        self.assertTrue(changed.startswith("before\n") and changed.endswith("<!-- peers-avx2:begin --><!-- peers-avx2:end -->"))
        self.assertNotIn("old", changed)
        self.assertEqual(report.replaced(changed, "peers", "new"), changed)

    def test_absent_repeated_or_turned_markers_are_errors(self):
        for document in ("", self.document * 2, "<!-- peers:end --> <!-- peers:begin -->"):
            with self.assertRaisesRegex(ValueError, "marker .*expected"):
                report.replaced(document, "peers", "new")


class Chart(unittest.TestCase):
    def test_bars_are_as_long_as_their_ratios(self):
        self.assertEqual(ratios(row(), ENGINES), {"OpenVINO": 4.0, "ncnn": 3.0})
        drawing = xml.dom.minidom.parseString(chart([row()], ENGINES))
        bars = [r for r in drawing.getElementsByTagName("rect") if r.getAttribute("height") == "10" and
                r.getAttribute("width") != "10"]
        widths = [float(bar.getAttribute("width")) for bar in bars]
        self.assertEqual(len(widths), 2)
        self.assertAlmostEqual(widths[0] / widths[1], 4 / 3, places=2)

    def test_a_panel_for_each_size_with_the_most_threads(self):
        text = chart([row(), row(threads=1), row(network="a<b", size=(540, 960))], ENGINES)
        xml.dom.minidom.parseString(text)
        self.assertEqual(text.count("threads: 2"), 2)
        self.assertNotIn("threads: 1", text)

    def test_no_peer_at_all(self):
        xml.dom.minidom.parseString(chart([row(fovea=1.0)], ["fovea"]))


@unittest.skipUnless(np, "needs numpy")
class Gate(unittest.TestCase):
    def setUp(self):
        self.reference = np.linspace(0, 1, 3 * 32 * 32).reshape(3, 32, 32)

    def test_what_agrees_passes(self):
        largest, psnr = measure.check_fovea(np.float32(self.reference), self.reference)
        self.assertTrue(largest < 1e-6 and psnr > 130)
        measure.check_peer("peer", self.reference + 9e-3, self.reference)

    def test_one_wrong_pixel_noise_and_nan_end_the_run(self):
        for wrong in (np.where(self.reference == 1, 1.002, self.reference), self.reference + 2e-4, self.reference * np.nan):
            with self.assertRaisesRegex(SystemExit, "fovea differs"):
                measure.check_fovea(wrong, self.reference)
        for wrong in (self.reference + 2e-2, self.reference * np.nan):
            with self.assertRaisesRegex(SystemExit, "peer differs"):
                measure.check_peer("peer", wrong, self.reference)

    def test_a_peer_is_judged_beyond_a_reference_of_a_part(self):
        whole = np.float32(self.reference)
        part = self.reference[:, :20, :24] + 5e-3
        expected = measure.expected_of(whole, part)
        np.testing.assert_array_equal(expected[:, :20, :24], np.float32(part))
        np.testing.assert_array_equal(expected[:, 20:], whole[:, 20:])
        np.testing.assert_array_equal(expected[:, :20, 24:], whole[:, :20, 24:])
        for row, column in ((0, 0), (31, 31), (31, 0), (0, 31)):
            wrong = np.array(whole)
            wrong[1, row, column] += 2e-2
            with self.assertRaisesRegex(SystemExit, "peer differs"):
                measure.check_peer("peer", wrong, expected)
        with self.assertRaisesRegex(SystemExit, "peer differs"):  # by the reference, not by fovea
            measure.check_peer("peer", whole, measure.expected_of(whole, part + 1e-2))


@unittest.skipUnless(np, "needs numpy")
class Turns(unittest.TestCase):
    class Engine:
        def __init__(self, name, calls, fails_at=None):
            self.name, self.variant, self.calls, self.fails_at, self.runs = name, "plain", calls, fails_at, 0

        def run(self):
            self.runs += 1
            self.calls.append(self.name)
            if self.runs == self.fails_at:
                raise measure.Failed("out of memory")
            return float(self.runs)

        def rest(self):
            self.calls.append("rest")

        def close(self):
            self.calls.append("close")

    def test_engines_run_in_turn_and_rest_while_others_do(self):
        calls, reasons = [], {}
        seconds = measure.run_in_turn([self.Engine("fovea", calls), self.Engine("ncnn", calls)], 2, reasons)
        self.assertEqual(calls, ["fovea", "rest", "ncnn", "rest"] * 2)
        self.assertEqual((seconds, reasons), ({"fovea": [1, 2], "ncnn": [1, 2]}, {}))

    def test_a_peer_that_fails_leaves_with_its_reason(self):
        calls, reasons = [], {}
        processes = [self.Engine("fovea", calls), self.Engine("ncnn", calls, fails_at=2)]
        self.assertEqual(measure.run_in_turn(processes, 3, reasons), {"fovea": [1, 2, 3]})
        self.assertEqual((reasons, len(processes)), ({"ncnn": "plain: out of memory"}, 1))

    def test_fovea_must_not_fail(self):
        with self.assertRaises(measure.Failed):
            measure.run_in_turn([self.Engine("fovea", [], fails_at=1)], 1, {})


class Options(unittest.TestCase):
    def fails(self, *arguments):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as end:
            options.parse(arguments)
        self.assertEqual(end.exception.code, 2)
        return said.getvalue()

    def test_defaults(self):
        o = options.parse([])
        self.assertEqual((o.size, o.threads, o.repetitions), ([(256, 256)], [1, 2], 5))
        self.assertEqual((o.network, o.engine), (list(options.NETWORKS), list(options.ENGINES)))
        self.assertEqual(options.parse(["--memory"]).size, [(1080, 1920)])

    def test_names_and_sizes(self):
        o = options.parse(["--size", "64", "540x960", "--engine", "NCNN", "--network", "vapsr X2"])
        self.assertEqual((o.size, o.engine, o.network), ([(64, 64), (540, 960)], ["fovea", "ncnn"], ["VapSR x2"]))

    def test_errors_say_what_was_expected(self):
        for arguments, expected in ((["--size", "big"], "256 or 540x960"), (["--threads", "0"], "from 1"),
                                    (["--network", "ESPCN"], "VapSR x2"), (["--engine", "TVM"], "OpenVINO"),
                                    (["--isa", "sse2"], "avx2"), (["--memory", "--isa", "avx2"], "expected no --isa")):
            self.assertIn(expected, self.fails(*arguments))

    def test_the_command_is_what_was_typed(self):
        for line in ("--threads 1 2 --repetitions 5", "--size 256x256 540x960 --threads 2 --repetitions 3 --isa avx2",
                     "--memory --threads 2", "--threads 1 --repetitions 5 --network 'VapSR x4' --engine 'ONNX Runtime'"):
            self.assertEqual(options.command_of(options.parse(shlex.split(line))), "benchmarks/peers/run.sh " + line)


if __name__ == "__main__":
    unittest.main()
