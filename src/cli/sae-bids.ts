#!/usr/bin/env node
import { runMain } from './run/run-main.js'

await runMain(() => import('./bids-app/program.js'))
