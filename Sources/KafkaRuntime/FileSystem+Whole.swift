// SPDX-License-Identifier: Apache-2.0

extension FileSystem {
    /// The whole content of a small file; nil when there is none. Refuses more than `limit` bytes.
    public func readFile(_ path: String, limit: Int = 64 << 20) throws(FileError) -> [UInt8]? {
        let file: any File
        do throws(FileError) {
            file = try open(path, .read)
        } catch {
            if error.kind == .notFound { return nil }
            throw error
        }
        defer { file.close() }
        let size = try file.size()
        guard size <= Int64(limit) else {
            throw FileError(.inputOutput, operation: "read (file too large)", path: path)
        }
        return try file.readBytes(at: 0, count: Int(size))
    }

    /// Replaces a file so that a crash leaves the old or the new content, never a mixture: writes `<path>.tmp`, syncs
    /// it, renames it over `path`, syncs the directory.
    public func replaceFile(_ path: String, with content: [UInt8]) throws(FileError) {
        try replaceFileLeavingName(path, with: content)
        try syncDirectory(parentDirectory(of: path))
    }

    /// `replaceFile` without the last step: until the caller syncs the directory, a crash may leave the old content.
    public func replaceFileLeavingName(_ path: String, with content: [UInt8]) throws(FileError) {
        let temporary = path + ".tmp"
        do throws(FileError) { try remove(temporary) } catch { if error.kind != .notFound { throw error } }
        do throws(FileError) {
            let file = try open(temporary, .createNew)
            defer { file.close() }
            try file.write(content, at: 0)
            try file.sync()
            try rename(temporary, to: path)
        } catch {
            // Half a file is of no use, and would take room where a disk is full.
            try? remove(temporary)
            throw error
        }
    }
}

/// Everything before the last `/`; `.` where there is none.
public func parentDirectory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
