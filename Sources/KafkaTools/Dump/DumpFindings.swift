// SPDX-License-Identifier: Apache-2.0

/// What was found to be wrong with the files, told at the end of the run on standard error.
///
/// Each list is bounded: a compacted log of any size has any number of gaps.
struct DumpFindings {
    static let limit = 100_000

    /// Two numbers that should match, of one file.
    struct Pairs {
        private(set) var pairs: [(Int64, Int64)] = []
        private(set) var omitted = 0

        mutating func add(_ first: Int64, _ second: Int64) {
            if pairs.count < DumpFindings.limit { pairs.append((first, second)) } else { omitted += 1 }
        }
    }

    /// Findings of one kind by file, in the order of the files.
    struct PerFile {
        private(set) var files: [(path: String, pairs: Pairs)] = []

        mutating func add(_ path: String, _ first: Int64, _ second: Int64) {
            if files.last?.path != path { files.append((path, Pairs())) }
            files[files.count - 1].pairs.add(first, second)
        }
    }

    /// Index entries and the last offset of the batch found at their position.
    var indexMismatches = PerFile()
    /// Index timestamps and the largest timestamp of the batch they name.
    var timeMismatches = PerFile()
    /// Index timestamps and the one before, which is not smaller.
    var unorderedTimes = PerFile()
    /// Index offsets and the last offset of the batch found instead, −1 for none.
    var offsetsNotFound = PerFile()
    /// Offsets of records, and of the one that follows though it is not the next.
    var gaps = PerFile()

    func report(_ form: DumpOptions.Form, to sink: TextSink) {
        for file in indexMismatches.files {
            sink.line("Mismatches in :\(file.path)")
            let sorted = file.pairs.pairs.sorted { $0.0 > $1.0 }
            Self.report(sorted, file.pairs.omitted, to: sink) { "  Index offset: \($0), log offset: \($1)" }
        }
        for file in timeMismatches.files {
            sink.line("Found timestamp mismatch in :\(file.path)")
            Self.report(file.pairs.pairs, file.pairs.omitted, to: sink) {
                "  Index timestamp: \($0), log timestamp: \($1)"
            }
        }
        for file in unorderedTimes.files {
            sink.line("Found out of order timestamp in :\(file.path)")
            Self.report(file.pairs.pairs, file.pairs.omitted, to: sink) {
                "  Index timestamp: \($0), Previously indexed timestamp: \($1)"
            }
        }
        for file in offsetsNotFound.files {
            sink.line(
                form == .current
                    ? "The following indexed offsets are not found in :\(file.path)"
                    : "The following indexed offsets are not found in the log.")
            Self.report(file.pairs.pairs, file.pairs.omitted, to: sink) {
                "Indexed offset: \($0), found log offset: \($1)"
            }
        }
        for file in gaps.files {
            sink.line("Non-consecutive offsets in \(file.path)")
            let pairs = form == .current ? file.pairs.pairs : file.pairs.pairs.reversed()
            Self.report(pairs, file.pairs.omitted, to: sink) { "  \($0) is followed by \($1)" }
        }
    }

    private static func report(
        _ pairs: [(Int64, Int64)], _ omitted: Int, to sink: TextSink, _ line: (Int64, Int64) -> String
    ) {
        for (first, second) in pairs { sink.line(line(first, second)) }
        if omitted > 0 { sink.line("  and \(omitted) more") }
    }
}
