// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite struct SwiftSourceTests {
    private func code(_ text: String) -> String {
        String(decoding: SwiftSource(path: "x.swift", text: text).code, as: UTF8.self)
    }

    @Test(arguments: [
        ("a // b", "a     "),
        ("a /* b /* c */ d */ e", "a                   e"),
        (#"f("x { \(y("}")) {") + z"#, #"f(                 ) + z"#),
        (##"f(#"a " \( b"#) + c"##, ##"f(            ) + c"##),
        (#"f("\\") { }"#, "f(    ) { }"),
        ("func `a { b`() { }", "func        () { }"),
    ])
    func `comments, strings and raw identifiers are blanked`(text: String, expected: String) {
        #expect(code(text) == expected)
    }

    @Test func `a string of several lines keeps its line breaks`() {
        #expect(code("a\n\"\"\"\n  \"q\" {\n\"\"\"\nb") == "a\n   \n       \n   \nb")
    }

    @Test func `imports are found with every modifier`() {
        let source = SwiftSource(
            path: "x.swift",
            text: """
                import A
                public import B
                @preconcurrency package import C
                import struct D.E
                // import F
                let text = "import G"
                @testable import H
                """)
        #expect(source.imports.map(\.module) == ["A", "B", "C", "D", "H"])
        #expect(source.imports.map(\.line) == [1, 2, 3, 4, 7])
    }

    @Test func `functions are measured from keyword to closing brace`() {
        let source = SwiftSource(
            path: "x.swift",
            text: """
                protocol P {
                    func required(a: Int)
                    var x: Int { get }
                }
                struct S {
                    init(for a: Int, b: () -> Void = {}) {
                        self.a = a
                    }
                    var y: Int {
                        1
                    }
                    func longer<T>(_ x: T) throws(E)
                        -> [Int] where T: P
                    {
                        items.map { item in
                            .init(item)
                        }
                    }
                    deinit { }
                    subscript(i: Int) -> Int {
                        func inner() { }
                        return i
                    }
                }
                """)
        #expect(
            FunctionLengthScanner.functions(in: source) == [
                FunctionLength(firstLine: 6, lines: 3), FunctionLength(firstLine: 12, lines: 7),
                FunctionLength(firstLine: 19, lines: 1), FunctionLength(firstLine: 20, lines: 4),
                FunctionLength(firstLine: 21, lines: 1),
            ])
    }
}
