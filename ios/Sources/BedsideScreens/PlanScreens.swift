#if canImport(SwiftUI)
    import Bedside
    import SwiftUI

    /// One plan: the banner, how old this is, what must be seen first, then the plan. The banner does not scroll away.
    struct PlanScreen: View {
        let view: PlanView
        let receipts: Receipts
        let sync: SyncStatus
        let writable: [FieldInfo]
        let back: () -> Void
        let edit: (FieldInfo) -> Void

        var body: some View {
            VStack(alignment: .leading, spacing: 8) {
                BannerView(banner: view.banner)
                if let glass = view.glass { Text(glass.text).foregroundStyle(.red) }
                Text(view.asOf.text)
                Text(view.control.statusText)
                Text("\(progress(receipts)) - \(words(sync))").font(.caption)
                ScrollView {
                    VStack(alignment: .leading, spacing: 12) {
                        ForEach(view.alerts, id: \.self, content: alert)
                        ForEach(shown(view), content: section)
                        ForEach(writable.filter { !answered($0) }, id: \.key) { field in
                            Button("Write: \(field.label)") { edit(field) }
                        }
                    }
                    .frame(maxWidth: .infinity, alignment: .leading)
                }
                Button("All plans", action: back)
            }
        }

        private func answered(_ field: FieldInfo) -> Bool {
            view.sections.flatMap(\.fields).contains { $0.key == field.key }
        }

        private func alert(_ alert: Alert) -> some View {
            VStack(alignment: .leading) {
                Text(alert.text).font(.headline)
                Text(alert.action)
            }
            .padding(12)
            .frame(maxWidth: .infinity, alignment: .leading)
            .background(alert.severity == "danger" ? Color.red.opacity(0.2) : Color.yellow.opacity(0.2))
        }

        @ViewBuilder private func section(_ section: ShownSection) -> some View {
            VStack(alignment: .leading, spacing: 4) {
                Text(section.title).font(.title3)
                if section.inConflict {
                    Text("IN CONFLICT: both stand until a clinician resolves it").foregroundStyle(.red)
                }
                // Side by side within the screen: one that has to be scrolled to may not be seen.
                LazyVGrid(columns: columns(section.decisions.count), alignment: .leading) {
                    ForEach(section.decisions, content: decision)
                }
                ForEach(section.lines) { line in
                    if let field = writable.first(where: { $0.key == line.id }) {
                        Button { edit(field) } label: { LineView(line: line) }
                    } else {
                        LineView(line: line)
                    }
                }
            }
        }

        private func columns(_ decisions: Int) -> [GridItem] {
            Array(repeating: GridItem(.flexible(), alignment: .top), count: min(max(decisions, 1), 2))
        }

        private func decision(_ block: ShownSection.Block) -> some View {
            VStack(alignment: .leading) {
                ForEach(block.lines) { LineView(line: $0) }
                Text(block.by).font(.caption)
            }
            .padding(12)
            .frame(maxWidth: .infinity, alignment: .leading)
            .overlay(RoundedRectangle(cornerRadius: 8).stroke(.secondary))
        }
    }

    /// Who this is about: before everything else, each part whole. A death changes how it looks.
    struct BannerView: View {
        let banner: Banner

        var body: some View {
            VStack(alignment: .leading) {
                ForEach(Array(banner.parts.enumerated()), id: \.offset) { index, part in
                    // A name breaks between words when it has to; nothing else does.
                    Text(index == 0 ? part : part.replacingOccurrences(of: " ", with: "\u{a0}")).font(.headline)
                }
                if let notice = banner.deathNotice { Text("Reported to have died: \(notice)") }
            }
            .padding(12)
            .frame(maxWidth: .infinity, alignment: .leading)
            .foregroundStyle(banner.deceased ? Color.white : Color.primary)
            .background(banner.deceased ? Color.black : Color.blue.opacity(0.15))
        }
    }

    /// All of an answer, and all answers that stand beside each other: nothing is shortened.
    struct LineView: View {
        let line: ShownSection.Line

        var body: some View {
            VStack(alignment: .leading) {
                Text(line.label).font(.caption)
                ForEach(Array(line.values.enumerated()), id: \.offset) { Text($0.element) }
            }
            .fixedSize(horizontal: false, vertical: true)
        }
    }

    /// Writes words into one field, under the banner of whom they are about.
    struct EditScreen: View {
        let banner: Banner
        let field: FieldInfo
        let before: String
        @State var text: String
        let back: () -> Void
        let save: (String) -> Void

        var body: some View {
            VStack(alignment: .leading, spacing: 12) {
                BannerView(banner: banner)
                Text(field.label)
                TextEditor(text: $text)
                HStack {
                    Button("Save") { save(text) }.disabled(text == before)
                    Button("Do not save", action: back)
                }
            }
        }
    }
#endif
