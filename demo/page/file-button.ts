import { html, nothing, type TemplateResult } from 'lit-html'

interface FileButton {
  /** Of the input; unique in the page. */
  id: string
  label: string
  /** Several files at once. */
  many?: boolean
  disabled?: boolean
  /** Id of the text that says which files it takes. */
  describedBy?: string
  onFiles: (files: File[]) => void
}

/**
 * A button that opens the system's choice of files. The input itself is there for the keyboard and for screen readers, out
 * of sight, and takes every name: systems that go by endings would hide files such as `u.data` or `u1.base`.
 */
export const fileButton = ({ id, label, many, disabled, describedBy, onFiles }: FileButton): TemplateResult => html`
  <span class="file-button">
    <input
      id=${id}
      class="visually-hidden"
      type="file"
      ?multiple=${many ?? false}
      ?disabled=${disabled ?? false}
      aria-describedby=${describedBy ?? nothing}
      @change=${(event: Event) => {
        const input = event.currentTarget as HTMLInputElement
        const files = [...(input.files ?? [])]
        // Without this the same file cannot be chosen a second time.
        input.value = ''
        if (files.length > 0) onFiles(files)
      }}
    />
    <label class="button" for=${id}>${label}</label>
  </span>
`
