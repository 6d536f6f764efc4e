import { chooseChromium } from './chromium.js'

/** Before all tests in browsers. */
export default chooseChromium
