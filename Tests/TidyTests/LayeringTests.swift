// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite struct LayeringTests {
    @Test func `every target has a row, every row a target`() {
        let rows = Set(Layering.rows.map(\.target))
        let targets = Set(Repository.targets)
        #expect(targets.subtracting(rows).sorted() == [], "without a row")
        #expect(rows.subtracting(targets).sorted() == [], "without a target")
    }

    @Test func `a row names only rows above it`() {
        var above: Set<String> = []
        for row in Layering.rows {
            #expect(row.targets.subtracting(above).sorted() == [], "\(row.target) looks upward or at what is not there")
            above.insert(row.target)
        }
    }

    @Test(arguments: Layering.rows.map(\.target))
    func `a target imports only what its row names`(target: String) throws {
        let row = try #require(Layering.rows.first { $0.target == target })
        let allowed = row.targets.union(row.foreign).union(Layering.always)
        for source in Repository.sources where source.target == target {
            for found in source.imports where !allowed.contains(found.module) {
                Issue.record("\(source.path):\(found.line) imports \(found.module), which \(target) may not")
            }
        }
    }

    @Test func `generated files import the ground only`() {
        for path in Repository.files where path.hasSuffix(".swift") && Repository.isGenerated(path) {
            let imports = Repository.text(of: path)?.split(separator: "\n").filter { $0.contains("import ") } ?? []
            #expect(imports.allSatisfy { $0.hasSuffix("import KafkaBase") }, "\(path): \(imports)")
        }
    }

    @Test func `nothing imports SwiftNIO`() throws {
        for source in Repository.handWrittenSwift {
            for found in source.imports where found.module.hasPrefix("NIO") || found.module.hasPrefix("_NIO") {
                Issue.record("\(source.path):\(found.line) imports \(found.module)")
            }
        }
        let manifest = try #require(Repository.text(of: "Package.swift"))
        #expect(!manifest.contains("swift-nio"))
    }

    @Test func `the deterministic targets name no platform module`() {
        for row in Layering.rows where Layering.deterministic.contains(row.target) {
            #expect(row.foreign.isDisjoint(with: Layering.platform), "\(row.target)")
        }
    }
}
