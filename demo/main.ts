import { start } from './page/actions.ts'
import { replaceLostWorkers } from './page/another-worker.ts'
import { takeDrops } from './page/drop.ts'
import { mountData } from './page/panels/data.ts'
import { mountMachine } from './page/panels/machine.ts'
import { mountMap } from './page/panels/map.ts'
import { mountModelFile } from './page/panels/model-file.ts'
import { mountNotices } from './page/panels/notices.ts'
import { mountRate } from './page/panels/rate.ts'
import { mountSettings } from './page/panels/settings.ts'
import { mountTraining } from './page/panels/training.ts'
import { mountUsers } from './page/panels/users.ts'
import { element } from './page/view.ts'

mountMachine(element('machine'), element('workbench'))
mountNotices(element('notices'))
mountData(element('data-body'))
mountSettings(element('settings-body'))
mountTraining(element('training-body'))
mountMap(element('map-body'))
mountRate(element('rate-body'))
mountUsers(element('users-body'))
mountModelFile(element('file-body'))
takeDrops(document.documentElement)
replaceLostWorkers()
await start()
