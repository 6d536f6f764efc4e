import { compile } from '../src/autograd/plan.js'
import { input } from '../src/autograd/value.js'
import { Variables } from '../src/autograd/variables.js'
import { openGpu } from '../src/node/index.js'
import { Adam } from '../src/optim/index.js'
import { createModel, defaultArchitecture } from '../src/sae/model.js'
import { saeObjective } from '../src/sae/objective.js'
const extents=(process.argv[2]??'80x96x112').split('x').map(Number) as [number,number,number]
const gpu=await openGpu()
const model=createModel(defaultArchitecture(14)); const variables=new Variables(gpu); const adam=new Adam(model.parameters)
const counter=input('noise counter',[2],{dtype:'u32'})
const o=saeObjective(model,input('scan',[1,1,...extents]),counter,{beta:0.01,neighbourhood:3,temperature:2/3})
const plan=await compile(gpu,{outputs:[],report:[o.loss],effects:adam.minimise(o.loss),variables})
const seen=new Set(); let total=0; const rows=[]
for(const d of (plan as any).dispatches){ if(seen.has(d.pipeline)||d.mutates) continue; seen.add(d.pipeline)
 const t=performance.now(); const e=gpu.device.createCommandEncoder(); const p=e.beginComputePass(); p.setPipeline(d.pipeline);p.setBindGroup(0,d.bindGroup);p.dispatchWorkgroups(1,1,1);p.end(); gpu.device.queue.submit([e.finish()]); await gpu.finish(); const ms=performance.now()-t; total+=ms; rows.push([ms,d.op,d.shader+" "+d.workgroups.join(",")]) }
rows.sort((a:any,b:any)=>b[0]-a[0]); for(const r of rows.slice(0,32)) console.log((r[0] as number).toFixed(0),r[1],r[2]); console.log('total',total,rows.length)
process.exit(0)
