// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite struct SizeTests {
    static let longestFile = 500
    static let longestFunction = 60

    @Test func `a hand-written file has at most 500 lines`() {
        for source in Repository.handWrittenSwift where source.lineCount > Self.longestFile {
            Issue.record("\(source.path) has \(source.lineCount) lines; give each of its subjects a file")
        }
    }

    @Test func `a hand-written function has at most 60 lines`() {
        // The manifest is one expression by nature.
        for source in Repository.handWrittenSwift where source.path != "Package.swift" {
            for function in FunctionLengthScanner.functions(in: source) where function.lines > Self.longestFunction {
                Issue.record("\(source.path):\(function.firstLine) is a function of \(function.lines) lines")
            }
        }
    }
}
