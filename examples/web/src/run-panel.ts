import { drawDice, drawLoss } from './curves.js'
import { byId } from './dom.js'
import type { EngineEvent, HistoryPoint, RunState } from './protocol.js'

/** The phase of the run, which determines the buttons. */
type RunPhase = 'no data' | 'ready' | 'running' | 'paused' | 'stopped'

type Progress = Extract<EngineEvent, { type: 'progress' }>

/** The progress of the run, its curves, and the buttons. */
export class RunPanel {
  private readonly start = byId('start', HTMLButtonElement)
  private readonly resume = byId('resume', HTMLButtonElement)
  private readonly pause = byId('pause', HTMLButtonElement)
  private readonly stop = byId('stop', HTMLButtonElement)
  private readonly status = byId('status', HTMLParagraphElement)
  private readonly bar = byId('bar', HTMLProgressElement)
  private readonly text = byId('progress-text', HTMLParagraphElement)
  private readonly diceChart = byId('dice-chart', HTMLDivElement)
  private readonly lossChart = byId('loss-chart', HTMLDivElement)
  private history: HistoryPoint[] = []
  private priorDice: number | undefined
  private frame: number | undefined
  private last: Progress | undefined

  constructor() {
    new ResizeObserver(() => {
      this.drawSoon()
    }).observe(this.diceChart)
  }

  setPhase(phase: RunPhase): void {
    const active = phase === 'running' || phase === 'paused'
    const hadFocus = document.activeElement
    // Enter in a setting starts a run, too, unless the button is disabled.
    this.start.disabled = active || phase === 'no data'
    this.start.hidden = active
    this.start.textContent = phase === 'stopped' ? 'Start over' : 'Start training'
    this.start.classList.toggle('primary', phase !== 'stopped')
    this.resume.hidden = phase !== 'stopped'
    this.pause.hidden = !active
    this.pause.textContent = phase === 'paused' ? 'Continue' : 'Pause'
    this.stop.hidden = !active
    if (!active) this.conclude()
    // Keep the keyboard focus in place: on the button that replaced the one pressed.
    if (hadFocus instanceof HTMLButtonElement && hadFocus.hidden) {
      ;(active ? this.pause : this.resume.hidden ? this.start : this.resume).focus()
    }
  }

  /** Moves the keyboard focus to the start button. */
  focus(): void {
    this.start.focus({ preventScroll: true })
  }

  /** Announces a short text in the live region; use sparingly. */
  say(text: string): void {
    this.status.textContent = text
  }

  /** Says that files are being read. If they are refused, what was said before still holds of the data that are there. */
  async whileReading<T>(reading: Promise<T>): Promise<T> {
    const before = this.status.textContent
    this.say('Reading')
    try {
      return await reading
    } catch (error) {
      this.say(before)
      throw error
    }
  }

  /** Clears the curves, or restores those of a resumed run. */
  begin(priorDice: number | undefined, state: RunState | undefined): void {
    this.priorDice = priorDice
    this.history = [...(state?.history ?? [])]
    this.last = undefined
    byId('progress', HTMLDivElement).hidden = true
    this.draw()
  }

  show(progress: Progress): void {
    const { epochs, point, secondsLeft } = progress
    const last = this.history.at(-1)
    if (last?.stage === point.stage && last.epoch === point.epoch) this.history.pop()
    this.history.push(point)
    this.last = progress
    byId('progress', HTMLDivElement).hidden = false
    this.bar.value = point.epoch / epochs
    this.text.textContent = `${describe(progress)}; about ${duration(secondsLeft)} left`
    this.drawSoon()
  }

  /** Shows how far something is that precedes the epochs. */
  prepare(text: string, share: number): void {
    byId('progress', HTMLDivElement).hidden = false
    this.bar.value = share
    this.text.textContent = text
  }

  /** Nothing is left to wait for. */
  private conclude(): void {
    if (this.last) this.text.textContent = describe(this.last)
    else byId('progress', HTMLDivElement).hidden = true
  }

  private drawSoon(): void {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined
      this.draw()
    })
  }

  private draw(): void {
    drawDice(this.diceChart, this.history, this.priorDice)
    drawLoss(this.lossChart, this.history)
    const isTraining = this.history.at(-1)?.stage === 'training'
    byId('loss-note', HTMLParagraphElement).hidden = !isTraining
    if (this.history.length === 0) this.lossChart.textContent = 'Loss and Dice appear here while training.'
  }
}

function describe({ stage, epochs, point }: Progress): string {
  const name = stage === 'pretraining' ? 'Pretraining' : 'Training'
  const dice = point.dice === undefined ? '' : `, mean Dice ${point.dice.toFixed(3)}`
  return `${name}, epoch ${point.epoch} of ${epochs}${dice}`
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}
