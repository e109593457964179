// SPDX-License-Identifier: Apache-2.0
package import KafkaRuntime

/// Prints files of partition and metadata directories, each by the ending of its name. Never writes or locks anything,
/// so that the directory of a running broker can be looked at.
package struct SegmentDumper {
    private let options: DumpOptions
    private let files: any FileSystem
    private let output: TextSink
    private let errors: TextSink
    private let currentDirectory: String

    /// - Parameter currentDirectory: what relative paths start from.
    package init(
        options: DumpOptions, files: any FileSystem, currentDirectory: String, output: TextSink, errors: TextSink
    ) {
        self.options = options
        self.files = files
        self.currentDirectory = currentDirectory
        self.output = output
        self.errors = errors
    }

    /// Prints the files in turn; returns whether all could be read. Findings (gaps, index mismatches) and what a crash
    /// leaves (a torn or zero tail) do not count against that.
    package func dump(_ paths: [String]) -> Bool {
        var findings = DumpFindings()
        var isSound = true
        for path in paths {
            output.line("Dumping \(path)")
            do throws(FileError) {
                if !(try dump(path, &findings)) { isSound = false }
            } catch {
                errors.line("\(error)")
                isSound = false
            }
        }
        output.flush()
        findings.report(options.form, to: errors)
        errors.flush()
        return isSound
    }

    private func dump(_ given: String, _ findings: inout DumpFindings) throws(FileError) -> Bool {
        let absolute = given.hasPrefix("/") ? given : "\(currentDirectory)/\(given)"
        let path = LogDumper.Path(given: given, absolute: absolute)
        let index = IndexDumper(options: options, files: files, output: output, errors: errors)
        switch path.name.lastIndex(of: ".").map({ path.name[$0...] }) {
        case ".log":
            return try LogDumper(options: options, files: files, output: output, errors: errors).dump(path, &findings)
        case ".checkpoint" where options.form == .current:
            return try LogDumper(options: options, files: files, output: output, errors: errors).dump(path, &findings)
        case ".index": return try index.dump(path, &findings)
        case ".timeindex":
            return try TimeIndexDumper(index: index).dump(path, &findings)
        case ".txnindex":
            return try TransactionIndexDumper(files: files, output: output, errors: errors).dump(path)
        case ".snapshot":
            let dumper = ProducerSnapshotDumper(options: options, files: files, output: output, errors: errors)
            return try dumper.dump(path)
        default:
            errors.line("Ignoring unknown file \(given)")
            return true
        }
    }

    /// The offset that a segment file's name begins with.
    static func baseOffset(_ name: String) -> Int64? { Int64(name.prefix { $0 != "." }) }
}
