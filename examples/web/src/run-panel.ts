import { drawDice, drawLoss } from './curves.js'
import { byId } from './dom.js'
import type { EngineEvent, HistoryPoint, RunState } from './protocol.js'

/** What the run panel's buttons may do. */
type RunPhase = 'no data' | 'ready' | 'running' | 'paused' | 'stopped'

type Progress = Extract<EngineEvent, { type: 'progress' }>

/** How the run goes: progress, curves, and which buttons make sense. */
export class RunPanel {
  private readonly start = byId('start', HTMLButtonElement)
  private readonly goOn = byId('go-on', HTMLButtonElement)
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

  constructor() {
    new ResizeObserver(() => {
      this.drawSoon()
    }).observe(this.diceChart)
  }

  setPhase(phase: RunPhase): void {
    const active = phase === 'running' || phase === 'paused'
    const hadFocus = document.activeElement
    this.start.disabled = phase === 'no data'
    this.start.hidden = active
    this.start.textContent = phase === 'stopped' ? 'Start anew' : 'Start training'
    this.start.classList.toggle('primary', phase !== 'stopped')
    this.goOn.hidden = phase !== 'stopped'
    this.pause.hidden = !active
    this.pause.textContent = phase === 'paused' ? 'Continue' : 'Pause'
    this.stop.hidden = !active
    // The keyboard stays where the visitor was: on the button that took the place of the one pressed.
    if (hadFocus instanceof HTMLButtonElement && hadFocus.hidden) {
      ;(active ? this.pause : this.goOn.hidden ? this.start : this.goOn).focus()
    }
  }

  /** Brings the keyboard to the button that begins. */
  focus(): void {
    this.start.focus({ preventScroll: true })
  }

  /** For the live region: seldom, and short. */
  say(text: string): void {
    this.status.textContent = text
  }

  /** Starts curves anew, or takes up those of a run that goes on. */
  begin(priorDice: number | undefined, state: RunState | undefined): void {
    this.priorDice = priorDice
    this.history = [...(state?.history ?? [])]
    byId('progress', HTMLDivElement).hidden = true
    this.draw()
  }

  show({ stage, epochs, point, secondsLeft }: Progress): void {
    const last = this.history.at(-1)
    if (last?.stage === point.stage && last.epoch === point.epoch) this.history.pop()
    this.history.push(point)
    byId('progress', HTMLDivElement).hidden = false
    this.bar.value = point.epoch / epochs
    const name = stage === 'pretraining' ? 'Pretraining' : 'Training'
    const dice = point.dice === undefined ? '' : `, mean Dice ${point.dice.toFixed(3)}`
    this.text.textContent = `${name}, epoch ${point.epoch} of ${epochs}${dice}; about ${duration(secondsLeft)} left`
    this.drawSoon()
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
    if (this.history.length === 0) this.lossChart.textContent = 'Loss and Dice appear here while training.'
  }
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}
