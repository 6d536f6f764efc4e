import { guarded, inTurn, muteErrors, onClick, onSubmit, showError } from './actions.js'
import { ContrastPanel } from './contrast-panel.js'
import { describeData } from './data-text.js'
import { openDevice } from './device.js'
import { byId, say } from './dom.js'
import { takeChosen, takeDrops } from './drop.js'
import { Engine } from './engine.js'
import { chosenFiles, deviceSettings, fillRecipe, fillSettings, phantomRecipe, runSettings } from './forms.js'
import { ImagePanel } from './image-panel.js'
import { takeFiles, takeKnowledge } from './intake.js'
import { tellLost, tellNotSaved, tellSegmenting } from './notices.js'
import { Occupation } from './occupation.js'
import type { DataSummary, EngineEvent, RunSettings, RunState, SavedRun } from './protocol.js'
import { enableSaving, listenToSaving } from './saving.js'
import { RunPanel } from './run-panel.js'
import { RunsPanel } from './runs-panel.js'

const fileForm = byId('file-form', HTMLFormElement)
const phantomForm = byId('phantom-form', HTMLFormElement)
const settingsForm = byId('settings-form', HTMLFormElement)
const dataForms = byId('data-forms', HTMLDetailsElement)
const weightsField = byId('weights', HTMLInputElement)

const engine = new Engine(receive)
const images = new ImagePanel(engine, showError)
const runPanel = new RunPanel()
const runs = new RunsPanel(engine, guarded, resumeSaved)
const contrasts = new ContrastPanel(
  fileForm,
  () => void guarded(() => rearrange((keep) => engine.call('readFiles', chosenFiles(fileForm), keep))),
  (order) => void guarded(() => rearrange((keep) => engine.call('arrange', order, keep))),
)
const work = new Occupation([fileForm, phantomForm], (busy) => {
  runs.busy = busy
  contrasts.busy = busy
  weightsField.disabled = busy || !canTrain()
  if (!busy) void runs.list()
})
let data: DataSummary | undefined
/** Whether there is a device to compute on; without, scans are only shown. */
let computing = false
/** Weights that were opened for these scans; they may fit once the scans are arranged otherwise. */
let openedWeights: File | undefined
let opening: Promise<boolean> | undefined
let paused = false
/** Whether what is on show is a saved run, to go on with if the device is lost. */
let saved = false

runPanel.begin(undefined, undefined)
void begin()

async function begin(): Promise<void> {
  listen()
  opening = startDevice()
  if (await opening) await runs.offer()
}

/** Returns false if there is no device to compute on. */
async function startDevice(): Promise<boolean> {
  computing = await openDevice(engine, settingsForm)
  // The browser may have kept the form of an earlier visit.
  if (computing) await boundDevice()
  if (canTrain()) runPanel.setPhase('ready') // Data may have been opened before the device was.
  work.set(work.task)
  return computing
}

function listen(): void {
  onSubmit(phantomForm, async () => {
    openedWeights = undefined
    await takeData(engine.call('makePhantoms', phantomRecipe(phantomForm)))
    fillSettings(settingsForm, { network: 'small' })
    fillRecipe(settingsForm, data!.scans.length)
  })
  onSubmit(fileForm, () => readChosen(true))
  onSubmit(settingsForm, () => run(runSettings(settingsForm)))
  settingsForm.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLSelectElement && target.name === 'recipe')
      fillRecipe(settingsForm, data?.scans.length ?? 1)
    if (target instanceof HTMLInputElement && ['memoryLimit', 'halfPrecision'].includes(target.name))
      void guarded(async () => {
        await boundDevice()
        await images.retry()
      })
  })
  onClick('resume', () => run(undefined))
  onClick('pause', () => setPaused(!paused))
  onClick('stop', async () => {
    runPanel.say('Stopping after the current step')
    await engine.call('stop')
  })
  for (const id of ['try', 'try-again']) onClick(id, trySample)
  const taken = inTurn(take)
  takeChosen(byId('any-files', HTMLInputElement), ['open', 'open-more'], taken)
  listenToSaving(engine, images, onClick)
  onClick('lost-restart', () => recover())
  weightsField.addEventListener('change', () => {
    const [file] = weightsField.files!
    if (file) void guarded(() => loadWeights(file))
  })
  takeDrops(byId('drop', HTMLDivElement), taken)
}

/** Segments and trains within the bounds of the form from now on. */
async function boundDevice(): Promise<void> {
  await engine.call('setDevice', deviceSettings(settingsForm))
}

/** Takes files for what they are, whatever they are called. */
async function take(files: readonly File[]): Promise<void> {
  work.requireIdle()
  const received = byId('received', HTMLParagraphElement)
  say(received, `Looking at ${files.length === 1 ? files[0]!.name : `${files.length} files`}`)
  try {
    const { line, hasImages, weights, undo } = await takeFiles(files, engine, fileForm)
    say(received, line)
    if (hasImages) await readChosen(!weights).catch(undo)
    if (weights) await loadWeights(weights)
  } catch (error) {
    say(received, '')
    throw error
  }
}

/** @param keepWeights whether no others are opened with these files */
async function readChosen(keepWeights: boolean): Promise<void> {
  work.requireIdle()
  openedWeights = undefined
  const files = chosenFiles(fileForm)
  await takeData(engine.call('readFiles', files, keepWeights), files.scans.length)
}

/** Takes the same scans as other contrasts, or as those of one person, and the weights that were opened for them. */
async function rearrange(read: (keepWeights: boolean) => Promise<DataSummary>): Promise<void> {
  const { length } = chosenFiles(fileForm).scans
  const origin = document.activeElement
  try {
    await takeData(read(!openedWeights), length)
    if (openedWeights) await loadWeights(openedWeights)
  } finally {
    contrasts.show(data!, length)
    contrasts.focus(origin)
  }
}

async function trySample(): Promise<void> {
  openedWeights = undefined
  await takeData(engine.call('openSample'))
  if (await opening) await loadWeights(undefined)
}

/** @param files how many scans of the form the data are of */
async function takeData(reading: Promise<DataSummary>, files = 0): Promise<void> {
  // Where the keyboard focus is now is closed and disabled in a moment.
  const wasInForms = dataForms.contains(document.activeElement)
  work.set('reading')
  try {
    const summary = await runPanel.whileReading(reading)
    await showData(summary, undefined, files)
    fillSettings(settingsForm, { network: 'recipe' })
    fillRecipe(settingsForm, summary.scans.length)
    if (wasInForms) runPanel.focus()
    if (canTrain()) runPanel.say('Ready to train')
    else runPanel.say(summary.classes.length > 0 ? '' : 'To segment or to train, add a prior.')
  } finally {
    work.set(undefined)
  }
  if (data?.weights?.inUse) await images.weightsChanged()
}

function canTrain(): boolean {
  return computing && data !== undefined && data.classes.length > 0
}

async function showData(summary: DataSummary, state: RunState | undefined, files = 0): Promise<void> {
  data = summary
  describeData(summary)
  contrasts.show(summary, files)
  runPanel.begin(summary.priorDice, state)
  runPanel.setPhase(state ? 'stopped' : canTrain() ? 'ready' : 'no data')
  saved = state !== undefined
  enableSaving(state !== undefined || summary.weights?.inUse === true)
  dataForms.open = false
  await images.showData(summary)
}

/** @param settings of a new run; undefined to resume the current one */
async function run(settings: RunSettings | undefined): Promise<void> {
  work.requireIdle()
  runs.dismiss()
  openedWeights = undefined
  if (settings) runPanel.begin(data?.priorDice, undefined)
  paused = false
  work.set('run')
  runPanel.setPhase('running')
  try {
    const outcome = await engine.call('train', settings)
    runPanel.setPhase(outcome === 'done' ? 'ready' : 'stopped')
    runPanel.say(outcome === 'done' ? 'Done: the run is complete' : 'Stopped')
  } catch (error) {
    runPanel.setPhase('stopped')
    runPanel.say('')
    throw error
  } finally {
    work.set(undefined)
  }
}

async function setPaused(wanted: boolean): Promise<void> {
  paused = wanted
  await engine.call('setPaused', wanted)
  runPanel.setPhase(wanted ? 'paused' : 'running')
  runPanel.say(wanted ? 'Paused' : 'Resumed')
}

/** @param file undefined for the weights of the sample */
async function loadWeights(file: File | undefined): Promise<void> {
  work.requireIdle()
  openedWeights = file
  work.task = 'reading'
  const opened = await engine.call('loadWeights', file).finally(() => (work.task = undefined))
  data = opened.data
  saved = false
  describeData(data)
  images.nameClasses(data)
  runPanel.say(file ? `${file.name}: ${opened.what}` : '')
  runPanel.begin(data.priorDice, undefined)
  runPanel.setPhase('ready')
  if (file) fillSettings(settingsForm, { pretrainingEpochs: 0 })
  enableSaving(true)
  await images.weightsChanged()
}

async function resumeSaved({ id }: SavedRun): Promise<void> {
  work.requireIdle()
  runs.dismiss()
  work.set('reading')
  try {
    const { data: summary, state, files } = await engine.call('restore', id)
    takeKnowledge(files, fileForm)
    fillSettings(settingsForm, state.settings)
    await boundDevice()
    await showData(summary, state)
    await images.weightsChanged()
  } finally {
    work.set(undefined)
  }
  await run(undefined)
}

/** Starts a new worker with a new device, and resumes the saved run; or begins anew if there was none. */
async function recover(): Promise<void> {
  byId('lost', HTMLDivElement).hidden = true
  engine.restart()
  opening = startDevice()
  const opened = await opening
  muteErrors(false)
  if (!opened) return
  const [latest] = await runs.list()
  // Without a run of this visit, the latest is another's.
  if (saved && latest) await resumeSaved(latest)
  else location.reload()
}

function receive(event: EngineEvent): void {
  switch (event.type) {
    case 'status':
      runPanel.say(event.text)
      break
    case 'progress':
      runPanel.show(event)
      break
    case 'preparing':
      runPanel.prepare(event.text, event.share)
      break
    case 'segmenting':
      tellSegmenting(event.text)
      break
    case 'updated':
      contrasts.settle()
      enableSaving(true)
      void images.weightsChanged()
      break
    case 'saved':
      saved = true
      void runs.list()
      break
    case 'notSaved':
      tellNotSaved(event.reason)
      break
    case 'lost':
      muteErrors(true)
      tellLost(event.reason, saved)
      break
  }
}
