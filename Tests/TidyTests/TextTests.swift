// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite struct TextTests {
    static let licenceLine = "SPDX-License-Identifier: Apache-2.0"
    static let licensedEndings = [".swift", ".py", ".c", ".h", ".modulemap"]
    static let licensedFolders = ["Scripts/", ".ci/"]

    @Test func `source files start with the licence line`() {
        for path in Repository.files {
            let isSource = Self.licensedEndings.contains { path.hasSuffix($0) && $0 != ".modulemap" }
            guard isSource || Self.licensedFolders.contains(where: path.hasPrefix) || path == "Makefile" else {
                continue
            }
            guard let text = Repository.text(of: path) else { continue }
            let lines = text.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
            // What must be the very first line may stand before it.
            let hasLeader = lines[0].hasPrefix("#!") || lines[0].hasPrefix("// swift-tools-version")
            let first = hasLeader ? lines.dropFirst().first : lines.first
            #expect(first?.contains(Self.licenceLine) == true, "\(path)")
        }
    }

    @Test func `no file names a path of somebody's machine`() {
        // Spelled in parts, so that this file passes its own test.
        let folders = ["work", "farm", "root", "home", "Users"].map { "/" + $0 + "/" }
        for path in Repository.files {
            guard let text = Repository.text(of: path) else { continue }
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                for folder in folders where Self.names(folder, in: line) {
                    Issue.record("\(path):\(index + 1) names \(folder)…")
                }
            }
        }
    }

    /// Whether the line has a path that begins with `folder`; a longer path or an address that goes through a folder
    /// of that name does not count.
    static func names(_ folder: String, in line: Substring) -> Bool {
        var rest = line
        while let range = rest.firstRange(of: folder) {
            guard range.lowerBound > line.startIndex else { return true }
            let before = line[line.index(before: range.lowerBound)]
            if !(before.isLetter || before.isNumber || "._-/~".contains(before)) { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }

    @Test(arguments: [("see /ro" + "ot/x", true), ("https://example.org/wo" + "rk/x", false), ("~/wo" + "rk/", false)])
    func `only absolute paths count`(line: String, isFound: Bool) {
        let folders = ["work", "root"].map { "/" + $0 + "/" }
        #expect(folders.contains { Self.names($0, in: line[...]) } == isFound)
    }

    @Test func `text files end with one line break and have no tabs in Swift`() {
        for path in Repository.files where path.hasSuffix(".swift") || path.hasSuffix(".md") || path.hasSuffix(".py") {
            guard let text = Repository.text(of: path), !text.isEmpty else { continue }
            #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"), "\(path)")
            if path.hasSuffix(".swift") { #expect(!text.contains("\t"), "\(path)") }
        }
    }
}
